// Times whole training steps (forward, loss, backward, AdamW) of a network: train_steps NETWORK THREADS STEPS. Waits
// for a line on standard input before each step but the first, and writes its seconds; at last, the peak of resident
// memory in MB. compare.py runs it in turn with PyTorch.
#include <sys/resource.h>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "fovea/fovea.hpp"

using namespace fovea;

namespace {

struct shape {
    int batch, height, width;
};

template <class Network> void time_steps(shape s, int threads, int steps) {
    context pool({.threads = threads});
    trainable<Network, cpu> net({.seed = 1, .gain = 0.4, .threads = &pool});
    trainer fit(net, adamw{}, {.rate = {.base = 1e-4}});
    tensor<float> x(s.batch, s.height, s.width, Network::in_channels);
    random_stream random(3);
    for (std::size_t i = 0; i < x.size(); ++i) x.data()[i] = random.uniform();
    const extent out = extents_of(net.traced(), {s.height, s.width}).back();
    const tensor<float> target(s.batch, out.height, out.width, net.traced().tensors.back().channels);
    std::string line;
    for (int i = 0; i < steps; ++i) {
        if (i > 0 && !std::getline(std::cin, line)) return;
        const auto begin = std::chrono::steady_clock::now();
        fit.step(x.view(), target.view(), l2_loss{});
        std::printf("%.6f\n", std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
        std::fflush(stdout);
    }
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    std::printf("%ld\n", usage.ru_maxrss >> 10);
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fprintf(stderr, "error: expected NETWORK THREADS STEPS\n");
        return 2;
    }
    const std::string_view name = argv[1];
    const int threads = std::atoi(argv[2]), steps = std::atoi(argv[3]);
    if (name == "supercool")
        time_steps<zoo::supercool<4, 64, 2, 16>>({4, 64, 64}, threads, steps);
    else if (name == "vapsr-3x3")
        time_steps<zoo::vapsr_3x3_x2>({2, 128, 128}, threads, steps);
    else if (name == "vapsr")
        time_steps<zoo::vapsr_x4>({8, 48, 48}, threads, steps);
    else if (name == "critic")
        time_steps<zoo::critic_small>({4, 256, 256}, threads, steps);
    else {
        std::fprintf(stderr, "error: %s: expected supercool, vapsr-3x3, vapsr or critic\n", argv[1]);
        return 2;
    }
}
