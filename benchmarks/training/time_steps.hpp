// Times whole training steps (forward, loss, backward, AdamW) of a network: waits for a line on standard input before
// each step but the first, and writes its seconds; at last, the peak of resident memory in MB.
#pragma once
#include <sys/resource.h>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>

#include "fovea/fovea.hpp"

namespace fovea_bench {

struct shape {
    int batch, height, width;
};

template <class Network, class Backend>
void time_steps(shape s, int threads, int steps, fovea::precision_kind precision = fovea::precision_kind::float32) {
    fovea::context pool({.threads = threads});
    fovea::trainable<Network, Backend> net({.seed = 1, .gain = 0.4, .threads = &pool, .precision = precision});
    fovea::trainer fit(net, fovea::adamw{}, {.rate = {.base = 1e-4}});
    fovea::tensor<float> x(s.batch, s.height, s.width, Network::in_channels);
    fovea::random_stream random(3);
    for (std::size_t i = 0; i < x.size(); ++i) x.data()[i] = random.uniform();
    const fovea::extent out = fovea::extents_of(net.traced(), {s.height, s.width}).back();
    const fovea::tensor<float> target(s.batch, out.height, out.width, net.traced().tensors.back().channels);
    std::string line;
    for (int i = 0; i < steps; ++i) {
        if (i > 0 && !std::getline(std::cin, line)) return;
        const auto begin = std::chrono::steady_clock::now();
        fit.step(x.view(), target.view(), fovea::l2_loss{});
        std::printf("%.6f\n", std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
        std::fflush(stdout);
    }
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    std::printf("%ld\n", usage.ru_maxrss >> 10);
}

} // namespace fovea_bench
