// Times an operation beside the machine's peak. Clocks change with load and temperature, so every repetition measures
// both, one right after the other, and the medians are compared. Time is that of the processor, of the thread that took
// longest: other programs on the machine do not count.
#pragma once
#include <benchmark/benchmark.h>

#include <algorithm>
#include <vector>

#include "fovea/backend/cpu/simd.hpp"
#include "fovea/core/threads.hpp"
#include "times.hpp"

namespace fovea_bench {

namespace isa = fovea::FOVEA_ISA;

// Seconds that f(part, parts) takes on every thread of the pool at once.
template <class F> double seconds(fovea::thread_pool& pool, F f) {
    std::vector<double> each(std::size_t(pool.threads()));
    pool.parallel_for(pool.threads(), [&](int part, int) noexcept {
        const double start = thread_seconds();
        f(part, pool.threads());
        each[std::size_t(part)] = thread_seconds() - start;
    });
    return *std::max_element(each.begin(), each.end());
}

// Multiply-adds on twelve independent vectors; returns how many floating-point operations they are.
FOVEA_NOINLINE inline double multiply_add_chains() {
    constexpr int chains = 12, steps = 100000;
    isa::vf sum[chains];
    for (int i = 0; i < chains; ++i) sum[i] = isa::broadcast(float(i));
    const volatile float one = 1.0001f, other = 0.9999f; // benchmark::DoNotOptimize loses them with g++ 12
    const isa::vf a = isa::broadcast(one), b = isa::broadcast(other);
    for (int s = 0; s < steps; ++s) {
        FOVEA_UNROLL
        for (int i = 0; i < chains; ++i) sum[i] = isa::fma(a, b, sum[i]);
    }
    isa::vf all = sum[0];
    for (int i = 1; i < chains; ++i) all = all + sum[i];
    alignas(64) float out[isa::lanes];
    isa::store(out, all);
    volatile float used = out[0];
    (void)used;
    return 2. * isa::lanes * chains * steps;
}

// f(part, parts) does its part of `gflop` in all. Reports GFLOP/s, the peak, and how much of it that is.
template <class F> void measure(benchmark::State& state, int threads, double gflop, F f) {
    fovea::thread_pool pool(threads);
    std::vector<double> times, peaks;
    for (auto _ : state) {
        double chains = 0;
        const double peak_time = seconds(pool, [&](int part, int) {
            const double done = multiply_add_chains();
            if (part == 0) chains = done;
        });
        peaks.push_back(1e-9 * chains * threads / peak_time);
        times.push_back(seconds(pool, f));
        state.SetIterationTime(times.back());
    }
    const double rate = gflop / median(times), peak = median(peaks);
    state.counters["GFLOP/s"] = rate;
    state.counters["peak"] = peak;
    state.counters["of_peak"] = rate / peak;
    state.counters["median_ms"] = 1e3 * median(times);
}

} // namespace fovea_bench
