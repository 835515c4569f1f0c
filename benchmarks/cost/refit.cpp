// Prints each constant of graph/cost.hpp beside what this machine measures of it; constants that only count operations
// are left out.
//
//   refit [THREADS]     threads of a call, 2 unless given; FOVEA_ISA chooses the instruction set
//
// Kernels are measured on one thread by its processor time. The last two rows are measured by the clock and need a
// machine that does nothing else. One machine that differs is no reason to change a constant, which serves all of them.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <vector>

#include "cost/kernel_times.hpp"
#include "fovea/backend/cpu/cpu.hpp"
#include "fovea/graph/cost.hpp"
#include "fovea/zoo/pretrained.hpp"

namespace {

namespace cost = fovea::cost;
using namespace fovea_bench;
using fovea::activation_kind;
using fovea::convolution_kernels;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

void print(const char* name, double in_use, double measured, const char* what) {
    std::printf("| %-24s | %11.6g | %11.6g | %s |\n", name, in_use, measured, what);
    std::fflush(stdout);
}

const fovea::kernel_table& kernels() { return fovea::dispatched_kernels(); }
convolution_kernels direct() {
    return {kernels().convolution_scratch, kernels().convolution, kernels().packed_convolution_bytes,
            kernels().pack_convolution};
}
convolution_kernels winograd() {
    return {kernels().winograd_scratch, kernels().winograd, kernels().packed_winograd_bytes, kernels().pack_winograd};
}
convolution_kernels int8() {
    return {kernels().int8_convolution_scratch, kernels().int8_convolution, kernels().packed_int8_convolution_bytes,
            kernels().pack_int8_convolution};
}

// The work unit: seconds of one multiply-add in the direct sum.
double unit() {
    static const double each = seconds(convolution_call(direct(), 64, 64)) / (double(side) * side * 64 * 64 * 9);
    return each;
}

struct shape {
    int inputs, outputs;
};
// The mean of a way's share of the direct sum's time.
double share(const convolution_kernels& way, std::initializer_list<shape> shapes, int tile = 4, bool halves = false) {
    double sum = 0;
    for (auto [inputs, outputs] : shapes)
        sum += ratio(convolution_call(way, inputs, outputs, tile, halves), convolution_call(direct(), inputs, outputs));
    return sum / double(shapes.size());
}

void ways() {
    print("winograd_4", cost::winograd_4, share(winograd(), {{32, 32}, {48, 48}, {64, 48}}),
          "of the direct sum, 3x3, 32 to 64 channels");
    print("winograd_6", cost::winograd_6, share(winograd(), {{64, 64}, {64, 128}, {128, 64}}, 6),
          "of the direct sum, 3x3, 64 to 128 channels");
    print("int8", cost::int8, share(int8(), {{48, 48}, {64, 64}, {128, 128}}), "of the direct sum, 3x3");
    const convolution_kernels* half = kernels().half_convolution;
    print("half", cost::half, *half ? share(*half, {{48, 48}, {64, 64}}, 4, true) : nan,
          "of the direct sum, 3x3; nan: not with this instruction set");
}

// The least of `sizes` from which on f is faster than g; nan where it never is.
template <class F> double pays_from(std::initializer_list<int> sizes, F faster) {
    double least = nan;
    for (int size : sizes) {
        if (!faster(size))
            least = nan;
        else if (std::isnan(least))
            least = size;
    }
    return least;
}
void thresholds() {
    const auto sizes = {4, 8, 12, 16, 24, 32, 48, 64, 96, 128};
    const auto large_tile_wins = [](int inputs, int outputs) {
        return ratio(convolution_call(winograd(), inputs, outputs, 6), convolution_call(winograd(), inputs, outputs)) <
               1;
    };
    print("winograd_least_inputs", cost::winograd_least_inputs,
          pays_from(sizes,
                    [](int n) {
                        return share(winograd(), {{n, 64}}) < 1;
                    }),
          "inputs, to 64 outputs");
    print("grouped_least_inputs", cost::grouped_least_inputs,
          pays_from(sizes,
                    [](int n) {
                        return share(int8(), {{n, 64}}) < 1;
                    }),
          "inputs, 8 bits, to 64 outputs");
    print("large_tile_least_inputs", cost::large_tile_least_inputs,
          pays_from(sizes, [&](int n) { return large_tile_wins(n, 64); }), "inputs, to 64 outputs");
    print("large_tile_least_outputs", cost::large_tile_least_outputs,
          pays_from(sizes, [&](int n) { return large_tile_wins(64, n); }), "outputs, of 64 inputs");
    double most = nan;
    for (int n : {64, 128, 181, 256, 362})
        if (large_tile_wins(n, n)) most = n * n;
    print("large_tile_most_filters", cost::large_tile_most_filters, most,
          "filters, the most of 64^2 to 362^2 that gain");
}

// Work units for each number that an addition of two tensors reads or writes, where the three have so many bytes.
double per_number(double bytes) {
    constexpr int channels = 64, width = 64;
    const int height = int(bytes / sizeof(float) / 3 / channels / width);
    const kernel_call add = simple_call(kernels().add, height, width, channels, 2);
    return seconds(add) / unit() / (3. * height * width * channels);
}

void memory() {
    constexpr double small = 1 << 20, large = 192 << 20;
    const double near = per_number(small), far = per_number(large);
    print("near_number", cost::near_number, near, "an addition in 1 MB, for each number");
    print("far_number", cost::far_number, far, "the same in 192 MB");
    double edge = small;
    while (edge < large && per_number(edge) < std::sqrt(near * far)) edge *= 1.5;
    print("near_bytes", cost::near_bytes, edge, "bytes, where that cost lies between the two");
    print("cached_weights", cost::cached_weights, edge / sizeof(float), "the same as a number of weights");

    constexpr int channels = 64, rows = 24, columns = 64; // two tensors of 384 KB
    const auto value = [&](fovea::kernel run, activation_kind activation = activation_kind::identity) {
        return seconds(simple_call(run, rows, columns, channels, 1, activation)) / unit() /
                   (rows * columns * channels) -
               2 * near;
    };
    print("activation", cost::activation, value(kernels().activate, activation_kind::silu),
          "SiLU of a value, less what it reads and writes");
    print("activation", cost::activation, value(kernels().activate, activation_kind::gelu), "the same, GELU");
    print("layer_norm", cost::layer_norm, value(kernels().layer_norm), "the same");
    print("batch_norm", cost::batch_norm, value(kernels().batch_norm), "the same");
}

void magnified() {
    constexpr int factor = 4, channels = 3, height = 64, width = 64;
    kernel_call k = simple_call(kernels().upsample, height * factor, width * factor, channels);
    k.images.emplace_back(height, width, channels);
    k.c.x[0] = k.images.back().view;
    k.c.a.factor = factor;
    k.reserve(kernels().upsample_scratch);
    print("magnified_value(2)", cost::magnified_value(2),
          seconds(k) / unit() / (double(height) * width * factor * factor * channels), "bicubic, 4 times, 3 channels");
}

// The share s for which work (1 + s (((n + 16) / n)^2 - 1)) explains what small calls take for each pixel.
void repeated() {
    constexpr int small = 32, large = 240;
    const auto more = [](double n) { return (1 + 16 / n) * (1 + 16 / n) - 1; };
    const double q =
        ratio(block_call(kernels(), small), block_call(kernels(), large)) * large * large / (small * small);
    print("repeated_share", cost::repeated_share, (q - 1) / (more(small) - q * more(large)),
          "attention block, 32 beside 240 pixels square");
}

void call_of(int threads) {
    fovea::thread_pool pool(threads);
    std::vector<double> all;
    for (int i = 0; i < 1000; ++i) {
        const auto start = std::chrono::steady_clock::now();
        for (int k = 0; k < 10; ++k) pool.parallel_for(threads, [](int, int) noexcept {});
        all.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / 10);
    }
    print("call", cost::call, median(all) / unit(), "threads that meet, with nothing to do");
}

// How far estimates of schedules are from times: the root of the mean square of log(time / estimate), less its mean.
void estimates(int threads) {
    fovea::context own({.threads = threads});
    auto net = fovea::zoo::pretrained<2, fovea::cpu>({.threads = &own});
    const fovea::extent size{480, 640};
    const fovea::tensor<float> x(1, size.height, size.width, 3);
    std::vector<double> logs;
    for (const fovea::schedule& how :
         {fovea::schedule{}, {0, 0, 128}, {0, 0, 32}, {0, 0, 8}, {0, 216, 32}, {128, 128, 0}}) {
        std::vector<double> times;
        for (int i = 0; i < repetitions; ++i) {
            const auto start = std::chrono::steady_clock::now();
            static_cast<void>(net(x.view(), {.how = how}));
            times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
        }
        logs.push_back(std::log(median(times) / fovea::cost_of(net.traced(), size, 1, how).work));
    }
    double mean = 0, square = 0;
    for (double l : logs) mean += l / double(logs.size());
    for (double l : logs) square += (l - mean) * (l - mean) / double(logs.size());
    print("equally_fast", cost::equally_fast, 1 + std::sqrt(square),
          "1 + the spread of time / estimate over six schedules");
}

} // namespace

int main(int argc, char** argv) {
    const int threads = argc > 1 ? std::max(std::atoi(argv[1]), 1) : 2;
    try {
        std::printf("%s; the work unit is %.4g ns\n\n", kernels().name, 1e9 * unit());
        std::printf("| constant | in use | measured | of what |\n|---|---|---|---|\n");
        ways();
        thresholds();
        memory();
        magnified();
        repeated();
        call_of(threads);
        estimates(threads);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "error: %s\n", e.what());
        return 1;
    }
}
