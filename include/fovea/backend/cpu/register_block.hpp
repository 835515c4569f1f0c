// The inner loop of every convolution: P pixels times NV vectors of output channels, summed in registers.
//
//   sums[p][o] = sum over kernel rows, runs and channels of x[p][term] w[term][o]
//
// Every sum takes its terms in the same order whatever P is, so that a pixel's bits do not depend on where a call
// begins or ends. Channel counts and strides are run-time; the shapes of the blocks are templates. Numbers are floats,
// or 32 bits that hold a group of quantised ones.
#pragma once
#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "fovea/backend/cpu/epilogue.hpp"
#include "fovea/backend/cpu/int8_vectors.hpp"

namespace fovea::FOVEA_ISA {

inline constexpr int max_kernel = 31;

// What one output pixel sums over: kernel rows, in each some runs of consecutive values.
template <class T> struct terms_of {
    const T* row[max_kernel]; // at the first value of output column 0
    int rows, runs, length;
    std::ptrdiff_t run_step;   // from a run to the next
    std::ptrdiff_t pixel_step; // from an output's values to the next output's
    int count() const { return rows * runs * length; }
};
using terms = terms_of<float>;

// Pixels per block so that accumulators, NV weights and a broadcast fit the registers and hide the latency of an fma.
template <int NV>
inline constexpr int block_pixels = vector_registers == 32 ? (NV <= 2      ? 14
                                                              : NV == 3    ? 8
                                                              : lanes == 4 ? 4
                                                                           : 6)
                                                           : (NV == 1   ? 8
                                                              : NV == 2 ? 6
                                                                        : 4);
inline int block_pixels_of(int vectors) {
    return vectors == 4   ? block_pixels<4>
           : vectors == 3 ? block_pixels<3>
           : vectors == 2 ? block_pixels<2>
                          : block_pixels<1>;
}
inline constexpr int max_block_vectors = vector_registers == 32 ? 4 : 3;
inline constexpr int max_block_sums = 32 * lanes;
inline constexpr int tail_pixels = 4;
inline constexpr int line_floats = 16;   // of a cache line
inline constexpr int weights_ahead = 16; // terms

// How many of the remaining vectors of output channels the next block takes. Blocks of 4 pay where their weights stay
// in L1, which a block's loop over the terms walks through once per block of pixels.
inline int block_vectors(int remaining, int terms_per_output) {
    if (remaining < 3) return remaining;
    if (remaining % 2 == 1) return 3;
    return max_block_vectors == 4 && terms_per_output <= 128 ? 4 : 2;
}

// What a block fetches into the caches at each value of a run. By default what it will read itself: weights come from
// L2, and pixels of many channels do not stay in L1 either; of the pixels one line for each value, in turn. Else
// fetch(k).
struct fetch_operands {};

template <int NV, int P, class Fetch = fetch_operands, class T = float>
FOVEA_NOINLINE void sum_block(const terms_of<T>& t, std::ptrdiff_t at, const T* w, T* sums,
                              [[maybe_unused]] Fetch fetch = {}) {
    using vector = decltype(broadcast(T{}));
    constexpr int quads = (P + 3) / 4; // pixels are addressed by fours: base, one, two and three steps
    const std::ptrdiff_t step = t.pixel_step;
    std::ptrdiff_t steps[4] = {0, step, 2 * step, 3 * step};
    opaque(steps[3]);

    vector acc[P][NV];
    FOVEA_UNROLL
    for (int p = 0; p < P; ++p) {
        FOVEA_UNROLL
        for (int v = 0; v < NV; ++v) acc[p][v] = broadcast(T{});
    }
    for (int i = 0; i < t.rows; ++i) {
        const T* run = t.row[i] + at;
        for (int r = 0; r < t.runs; ++r, run += t.run_step) {
            const T* x[quads];
            FOVEA_UNROLL
            for (int q = 0; q < quads; ++q) x[q] = run + 4 * q * step;
            const T* ahead = run + line_floats;
            for (int k = 0; k < t.length; ++k, w += NV * lanes) {
                if constexpr (std::is_same_v<Fetch, fetch_operands>) {
                    FOVEA_UNROLL
                    for (int v = 0; v < NV; ++v) fetch_soon(w + (weights_ahead * NV + v) * lanes);
                    fetch_soon(ahead);
                    ahead += step + 1;
                    if (k % line_floats == line_floats - 1) ahead -= line_floats * step;
                } else
                    fetch(k);
                vector b[NV];
                FOVEA_UNROLL
                for (int v = 0; v < NV; ++v) b[v] = load(w + v * lanes);
                FOVEA_UNROLL
                for (int p = 0; p < P; ++p) {
                    const vector a = broadcast(x[p / 4][steps[p % 4]]);
                    FOVEA_UNROLL
                    for (int v = 0; v < NV; ++v) acc[p][v] = add_product(a, b[v], acc[p][v]);
                }
                FOVEA_UNROLL
                for (int q = 0; q < quads; ++q) {
                    ++x[q];
                    opaque(x[q]);
                }
            }
        }
    }
    // Through memory, so that epilogues are compiled once and cannot raise the register pressure above.
    FOVEA_UNROLL
    for (int p = 0; p < P; ++p) {
        FOVEA_UNROLL
        for (int v = 0; v < NV; ++v) store(sums + (p * NV + v) * lanes, acc[p][v]);
    }
}

// One row of `pixels` outputs for one block of NV vectors of channels: finish(sums, x, pixels) for each block of pixels.
// A tail is computed by a block that overlaps pixels already done and keeps only the new ones.
template <int NV, class T, class Finish> void sum_row_with(const terms_of<T>& t, const T* w, int pixels, Finish finish) {
    constexpr int P = block_pixels<NV>;
    alignas(64) T sums[max_block_sums];
    int x = 0;
    const auto block = [&](auto kernel, int size) {
        const int from = std::min(x, pixels - size);
        kernel(t, from * t.pixel_step, w, sums, fetch_operands{});
        finish(sums + (x - from) * NV * lanes, x, from + size - x);
        x = from + size;
    };
    while (pixels - x >= P) block(sum_block<NV, P, fetch_operands, T>, P);
    if (pixels >= P && pixels - x > 2 * tail_pixels) block(sum_block<NV, P, fetch_operands, T>, P);
    while (x < pixels && pixels >= tail_pixels) block(sum_block<NV, tail_pixels, fetch_operands, T>, tail_pixels);
    while (x < pixels) block(sum_block<NV, 1, fetch_operands, T>, 1);
}

template <int NV> void sum_row(const terms& t, const float* w, int pixels, const destination& to, epilogue finish) {
    sum_row_with<NV>(t, w, pixels,
                     [&](const float* sums, int x, int computed) { finish(to, sums, NV, x, computed); });
}

using row_kernel = void (*)(const terms&, const float* w, int pixels, const destination&, epilogue);

inline row_kernel row_kernel_of(int vectors) {
    if constexpr (max_block_vectors == 4)
        if (vectors == 4) return sum_row<4>;
    return vectors == 3 ? sum_row<3> : vectors == 2 ? sum_row<2> : sum_row<1>;
}

} // namespace fovea::FOVEA_ISA
