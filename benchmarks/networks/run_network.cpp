// Runs a network as often as it is told, for benchmarks/peers: for every line on standard input one run,
// whose seconds are printed. Arguments: weights, input (raw floats, H,W,3), output (raw floats), height, width,
// threads, and for 8 bits the ranges that `calibrate` wrote.
#include <chrono>
#include <cstdio>
#include <iostream>

#include "fovea/backend/cpu/cpu.hpp"
#include "fovea/io/atomic_file.hpp"
#include "fovea/io/read_file.hpp"
#include "fovea/model/calibration_file.hpp"
#include "fovea/zoo/load.hpp"

using namespace fovea;

int main(int argc, char** argv) {
    if (argc != 7 && argc != 8) {
        std::fprintf(stderr, "error: expected: run_network WEIGHTS INPUT OUTPUT HEIGHT WIDTH THREADS [RANGES]\n");
        return 2;
    }
    try {
        const int height = std::atoi(argv[4]), width = std::atoi(argv[5]);
        context threads({.threads = std::atoi(argv[6])});
        model_options options{.threads = &threads};
        activation_ranges ranges;
        if (argc == 8) {
            ranges = read_activation_ranges(argv[7]);
            options.precision = precision_kind::int8, options.ranges = &ranges;
        }
        auto network = zoo::load<cpu>(weights_of(read_tensor_file(argv[1])), options);
        const auto bytes = read_file(argv[2]);
        if (height < 1 || width < 1 || bytes.size() != std::size_t(height) * std::size_t(width) * 3 * sizeof(float))
            fail(argv[2], ": expected ", width, 'x', height, "x3 floats");
        const tensor_view<const float> x(reinterpret_cast<const float*>(bytes.data()), 1, height, width, 3);
        bool written = false;
        for (std::string line; std::getline(std::cin, line);) {
            const auto start = std::chrono::steady_clock::now();
            const auto y = network(x);
            std::printf("%.6f\n", std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
            std::fflush(stdout);
            if (!std::exchange(written, true))
                write_file_atomically(argv[3], std::as_bytes(std::span(y.data(), y.size())));
        }
    } catch (const std::exception& e) {
        std::fprintf(stderr, "error: %s\n", e.what());
        return 1;
    }
}
