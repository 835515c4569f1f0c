// train_steps NETWORK THREADS STEPS, as time_steps.hpp says; compare.py runs it in turn with PyTorch.
#include <cstdlib>
#include <string_view>

#include "time_steps.hpp"

using namespace fovea;
using fovea_bench::time_steps;

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fprintf(stderr, "error: expected NETWORK THREADS STEPS\n");
        return 2;
    }
    const std::string_view name = argv[1];
    const int threads = std::atoi(argv[2]), steps = std::atoi(argv[3]);
    if (name == "supercool")
        time_steps<zoo::supercool<4, 64, 2, 16>, cpu>({4, 64, 64}, threads, steps);
    else if (name == "vapsr-3x3")
        time_steps<zoo::vapsr_3x3_x2, cpu>({2, 128, 128}, threads, steps);
    else if (name == "vapsr")
        time_steps<zoo::vapsr_x4, cpu>({8, 48, 48}, threads, steps);
    else if (name == "critic")
        time_steps<zoo::critic_small, cpu>({4, 256, 256}, threads, steps);
    else {
        std::fprintf(stderr, "error: %s: expected supercool, vapsr-3x3, vapsr or critic\n", argv[1]);
        return 2;
    }
}
