// The inner loop of every convolution: P pixels times NV vectors of output channels, summed in registers.
//
//   sums[p][o] = sum over kernel rows, runs and channels of x[p][term] w[term][o]
//
// Every sum adds its terms in the same order whatever P is, so that the bits of a pixel do not depend on where a call
// begins or ends. Channels and strides are known at run time, the shapes of blocks at compile time. Numbers are floats,
// or groups of quantised numbers in 32 bits.
#pragma once
#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "fovea/backend/cpu/epilogue.hpp"
#include "fovea/backend/cpu/int8_vectors.hpp"

namespace fovea::FOVEA_ISA {

inline constexpr int max_kernel = 31;

// What an output pixel sums over: some rows of the kernel, and in each of them some runs of consecutive values.
template <class T> struct terms_of {
    const T* row[max_kernel]; // the first value that output column 0 reads of each row
    int rows, runs, length;
    std::ptrdiff_t run_step;   // from one run to the next
    std::ptrdiff_t pixel_step; // from an output's values to the next output's
    int count() const { return rows * runs * length; }
};
using terms = terms_of<float>;

// Pixels of a block: as many as leave room in the registers for all sums, NV vectors of weights and a broadcast value,
// and enough sums to hide the latency of a multiply-add.
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
inline constexpr int tail_pixels = 4;    // of the smaller blocks at the end of a row
inline constexpr int line_floats = 16;   // of a line of the caches
inline constexpr int weights_ahead = 16; // terms by which weights are fetched before they are used

// How many of the remaining vectors of output channels the next block takes. Blocks of 4 pay where their weights stay
// in L1, because every block of pixels walks through all of them.
inline int block_vectors(int remaining, int terms_per_output) {
    if (remaining < 3) return remaining;
    if (remaining % 2 == 1) return 3;
    return max_block_vectors == 4 && terms_per_output <= 128 ? 4 : 2;
}

// What a block prefetches at each value of a run. By default it prefetches what it will read itself, because weights
// come from L2 and pixels of many channels do not stay in L1: the weights some terms ahead, and a line of one pixel in
// turn. Any other type is called as fetch(k) for value k.
struct fetch_operands {};

// What the sums of a block begin with and where they end. By default they begin with zero and end in sums[P][NV *
// lanes]. They pass through memory, so that epilogues are compiled once and take no registers of the loop.
template <int NV, class T = float> struct to_sums {
    using number = T;
    using vector = decltype(broadcast(T{}));
    T* sums;
    to_sums(T* s) : sums(s) {}
    FOVEA_INLINE vector begin(int, int) const { return broadcast(T{}); }
    FOVEA_INLINE void end(int p, int v, vector sum) const { store(sums + (p * NV + v) * lanes, sum); }
};
// Sums that begin with the bias plus, if there is one, the skip, and end in y. For whole vectors of channels, where y
// is not the skip.
template <int NV, bool Skip> struct to_row {
    using number = float;
    destination to; // of the block's first pixel
    FOVEA_INLINE vf begin(int p, int v) const {
        const vf bias = load(to.bias + v * lanes);
        if constexpr (Skip)
            return bias + load(to.skip + p * to.pixel_step + v * lanes);
        else
            return bias;
    }
    FOVEA_INLINE void end(int p, int v, vf sum) const { store(to.y + p * to.pixel_step + v * to.vector_step, sum); }
};

struct fetch_nothing { // for operands that are in L1
    FOVEA_INLINE void operator()(int) const {}
};
// For operands that are in L1 where skip and y are not: prefetches lines of both in turn, of the pixels behind the
// block.
struct fetch_ends {
    const float* skip;
    float* y;
    FOVEA_INLINE void operator()(int k) {
        if (k % 2 == 0) {
            fetch_soon(skip);
            skip += line_floats;
        } else {
            fetch_to_write(y);
            y += line_floats;
        }
    }
};

template <int NV, int P, class Fetch = fetch_operands, class Ends = to_sums<NV>, class T = typename Ends::number>
FOVEA_NOINLINE void sum_block(const terms_of<T>& t, std::ptrdiff_t at, const T* w, std::type_identity_t<Ends> ends,
                              [[maybe_unused]] Fetch fetch = {}) {
    using vector = decltype(broadcast(T{}));
    constexpr int quads = (P + 3) / 4; // four pixels share a base: they lie 0 to 3 steps behind it
    const std::ptrdiff_t step = t.pixel_step;
    std::ptrdiff_t steps[4] = {0, step, 2 * step, 3 * step};
    opaque(steps[3]);

    vector acc[P][NV];
    FOVEA_UNROLL
    for (int p = 0; p < P; ++p) {
        FOVEA_UNROLL
        for (int v = 0; v < NV; ++v) acc[p][v] = ends.begin(p, v);
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
    FOVEA_UNROLL
    for (int p = 0; p < P; ++p) {
        FOVEA_UNROLL
        for (int v = 0; v < NV; ++v) ends.end(p, v, acc[p][v]);
    }
}

// f(pixels, first, first new) for blocks of pixels that cover a row. The tail of a row is a block that overlaps pixels
// that are already done; `first new` is the first that is not.
template <int NV, class F> FOVEA_INLINE void each_pixel_block(int pixels, F f) {
    constexpr int P = block_pixels<NV>;
    int x = 0;
    const auto block = [&](auto size) {
        const int from = std::min(x, pixels - size());
        f(size, from, x);
        x = from + size();
    };
    while (pixels - x >= P) block(std::integral_constant<int, P>{});
    if (pixels >= P && pixels - x > 2 * tail_pixels) block(std::integral_constant<int, P>{});
    while (x < pixels && pixels >= tail_pixels) block(std::integral_constant<int, tail_pixels>{});
    while (x < pixels) block(std::integral_constant<int, 1>{});
}

// Sums a row of `pixels` outputs for NV vectors of channels. finish(sums, first, last) is called once for each pixel.
template <int NV, class Finish> void sum_pixels(const terms& t, const float* w, int pixels, Finish finish) {
    alignas(64) float sums[max_block_sums];
    each_pixel_block<NV>(pixels, [&](auto size, int from, int x) {
        sum_block<NV, size()>(t, from * t.pixel_step, w, sums);
        finish(sums + (x - from) * NV * lanes, x, from + size());
    });
}
// Prefetches what the epilogue of a block reads and writes, which arrives while the block is summed.
template <int NV> FOVEA_INLINE void fetch_destination(const destination& to, int first, int pixels) {
    const bool skips = to.skip && to.skip != to.y;
    for (int p = first; p < first + pixels; ++p)
        for (int v = 0; v < NV; ++v) {
            fetch_to_write(to.y + p * to.pixel_step + v * to.vector_step);
            if (skips) fetch_soon(to.skip + p * to.pixel_step + v * lanes);
        }
}
// Computes a row of outputs: sums, then the epilogue.
template <int NV> void sum_row(const terms& t, const float* w, int pixels, const destination& to, epilogue finish) {
    alignas(64) float sums[max_block_sums];
    each_pixel_block<NV>(pixels, [&](auto size, int from, int x) {
        fetch_destination<NV>(to, from, size());
        sum_block<NV, size()>(t, from * t.pixel_step, w, sums);
        finish(to, sums + (x - from) * NV * lanes, NV, x, from + size() - x);
    });
}

// The same with no epilogue but the bias and, with fetch_ends, the skip. Where blocks overlap, pixels are written
// twice, with the same bits.
template <int NV, class Fetch>
void store_row(const terms& t, const float* w, int pixels, const destination& to, epilogue) {
    each_pixel_block<NV>(pixels, [&](auto size, int from, int) {
        constexpr bool skips = std::is_same_v<Fetch, fetch_ends>;
        destination block = to;
        block.y += from * to.pixel_step;
        Fetch fetch{};
        if constexpr (skips) {
            block.skip += from * to.pixel_step;
            fetch = {block.skip + size() * to.pixel_step, block.y + size() * to.pixel_step};
        }
        sum_block<NV, size(), Fetch, to_row<NV, skips>>(t, from * t.pixel_step, w, {block}, fetch);
    });
}

using row_kernel = void (*)(const terms&, const float* w, int pixels, const destination&, epilogue);

inline row_kernel row_kernel_of(int vectors) {
    if constexpr (max_block_vectors == 4)
        if (vectors == 4) return sum_row<4>;
    return vectors == 3 ? sum_row<3> : vectors == 2 ? sum_row<2> : sum_row<1>;
}
// Calls f with the number of vectors as a constant.
template <class F> void with_block_vectors(int vectors, F f) {
    if constexpr (max_block_vectors == 4)
        if (vectors == 4) return f(std::integral_constant<int, 4>{});
    vectors == 3   ? f(std::integral_constant<int, 3>{})
    : vectors == 2 ? f(std::integral_constant<int, 2>{})
                   : f(std::integral_constant<int, 1>{});
}

template <class Fetch> row_kernel store_kernel_of(int vectors) {
    if constexpr (max_block_vectors == 4)
        if (vectors == 4) return store_row<4, Fetch>;
    return vectors == 3 ? store_row<3, Fetch> : vectors == 2 ? store_row<2, Fetch> : store_row<1, Fetch>;
}

} // namespace fovea::FOVEA_ISA
