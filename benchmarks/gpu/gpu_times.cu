// gpu_times images|steps NETWORK RUNS [bf16]: what a network takes on a GPU, a run for every line on standard input but
// the first, whose seconds are printed; compare.py runs it in turn with PyTorch.
//   images   1920x1080 pixels of 8 bits on the host to twice as many there
//   steps    forward, squared error, backward, AdamW; 32 samples whose targets have 256x256 pixels
#include <cstdlib>
#include <string_view>

#include "fovea/fovea_cuda.cuh"
#include "training/time_steps.hpp"

using namespace fovea;

namespace {

// Of the weights that a network begins training with.
template <class Network> tensor_file first_weights() {
    trainable<Network, cpu> net({.seed = 1, .gain = 0.4});
    tensor_file file;
    file.source = "random weights";
    for (auto* all : {&net.parameters(), &net.buffers()})
        for (auto& p : *all) file.add(tensor_of(p.name, {p.dims.begin(), p.dims.begin() + p.rank}, p.values()));
    return file;
}

template <class Network> void time_images(int runs, precision_kind precision) {
    model<Network, cuda> net(first_weights<Network>(), {.precision = precision});
    const image small(1080, 1920, 3);
    std::string line;
    for (int i = 0; i < runs; ++i) {
        if (i > 0 && !std::getline(std::cin, line)) return;
        const auto begin = std::chrono::steady_clock::now();
        const image large = net(small);
        std::printf("%.6f\n", std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
        std::fflush(stdout);
    }
}

bool run(std::string_view what, std::string_view network, int runs, precision_kind precision) {
    using supercool_x2 = zoo::supercool<2, 64, 2, 16>;
    using supercool_x4 = zoo::supercool<4, 64, 2, 16>;
    if (what == "images" && network == "vapsr-3x3")
        time_images<zoo::vapsr_3x3_x2>(runs, precision);
    else if (what == "images" && network == "supercool")
        time_images<supercool_x2>(runs, precision);
    else if (what == "steps" && network == "vapsr-3x3")
        fovea_bench::time_steps<zoo::vapsr_3x3_x2, cuda>({32, 128, 128}, 1, runs, precision);
    else if (what == "steps" && network == "supercool")
        fovea_bench::time_steps<supercool_x4, cuda>({32, 64, 64}, 1, runs, precision);
    else
        return false;
    return true;
}

} // namespace

int main(int argc, char** argv) {
    const bool half = argc == 5 && std::string_view(argv[4]) == "bf16";
    if (argc != 4 && !half) {
        std::fprintf(stderr, "error: expected images|steps supercool|vapsr-3x3 RUNS [bf16]\n");
        return 2;
    }
    try {
        const auto precision = half ? precision_kind::bfloat16 : precision_kind::float32;
        if (run(argv[1], argv[2], std::atoi(argv[3]), precision)) return 0;
        std::fprintf(stderr, "error: %s %s: expected images or steps, supercool or vapsr-3x3\n", argv[1], argv[2]);
        return 2;
    } catch (const error& e) {
        std::fprintf(stderr, "error: %s\n", e.what());
        return 1;
    }
}
