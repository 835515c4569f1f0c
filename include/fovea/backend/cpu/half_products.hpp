// The inner loop of convolutions in half precision: P pixels times NV vectors of output channels, which
// register_block.hpp has for floats.
//
// A number in half precision has 11 bits, and a sum of n terms may be wrong by n 2^-11 of the sum of their magnitudes.
// Therefore only half_interval steps are summed in half precision; their sum is then added to a sum in float32. The
// error is at most half_interval 2^-11 (1/64) of the magnitudes, whatever the number of terms. With terms of random
// signs it is about sqrt(half_interval / 2) = 4 times the error of rounding the weights to 11 bits.
//
// Pixels and weights hold pairs of channels (half_pairs.hpp), with a channel of zeros where their number is odd. Each
// row of the kernel begins a new interval. The bits of a pixel do not depend on where a call begins or ends.
#pragma once
#include <cstring>

#include "fovea/backend/cpu/convolution.hpp"
#include "fovea/backend/cpu/half_pairs.hpp"

namespace fovea::FOVEA_ISA {

inline constexpr int half_interval = 32; // steps, of two products each

// The blocks of output channels, where a pair of channels takes the place of an input.
inline convolution_layout half_layout(int outputs, int inputs, int kernel) {
    return {1, outputs, (inputs + pair_channels - 1) / pair_channels, kernel};
}

// w (O,I,K,K), numbers of at most 65504.
inline void pack_half_filters(const convolution_layout& l, const weight_shape& dims, const float* w,
                              std::int32_t* packed) {
    std::uint16_t* out = reinterpret_cast<std::uint16_t*>(packed);
    const int outputs = dims[0], inputs = dims[1], taps = dims[2] * dims[3];
    l.each_block([&](int first, int vectors, std::size_t) {
        for (int tap = 0; tap < taps; ++tap)
            for (int pair = 0; pair < l.inputs; ++pair)
                for (int v = first; v < first + vectors; ++v, out += pair_channels * lanes)
                    for (int k = 0; k < pair_channels; ++k) {
                        alignas(64) float values[lanes];
                        alignas(64) std::uint16_t halves[lanes];
                        const int input = pair * pair_channels + k;
                        for (int i = 0; i < lanes; ++i) {
                            const int o = v * lanes + i;
                            values[i] = o < outputs && input < inputs
                                            ? w[(std::ptrdiff_t(o) * inputs + input) * taps + tap]
                                            : 0;
                        }
                        float16_vectors::narrow(halves, load(values));
                        for (int i = 0; i < lanes; ++i) out[i * pair_channels + k] = halves[i];
                    }
    });
}

// Packs `count` pixels of row y of image n as pairs, side by side; zeros where y lies outside the image.
inline void pack_half_pixels(const window& x, int n, int y, int column, int count, std::int32_t* packed) {
    std::uint16_t* out = reinterpret_cast<std::uint16_t*>(packed);
    const int padded = half_layout(1, x.channels, 1).inputs * pair_channels;
    const auto put = [&](const auto* from, std::ptrdiff_t numbers, std::uint16_t* to) {
        if constexpr (std::is_same_v<decltype(from), const float*>)
            narrow(number_format::float16, from, to, numbers);
        else
            std::memcpy(to, from, sizeof *to * std::size_t(numbers));
    };
    const auto put_all = [&](const auto* from) {
        if (padded == x.channels) return put(from, std::ptrdiff_t(count) * padded, out);
        for (int i = 0; i < count; ++i, from += x.channels, out += padded) {
            put(from, x.channels, out);
            out[padded - 1] = 0;
        }
    };
    assert(x.format != number_format::bfloat16);
    x.in_16_bits() ? put_all(x.read<std::uint16_t>(n, y, column)) : put_all(x.read<float>(n, y, column));
}

// sums[p][o] += the products of at most half_interval steps.
template <int NV, int P>
FOVEA_NOINLINE void sum_half_interval(const std::int32_t* first, std::ptrdiff_t step, const std::int32_t* w, int count,
                                      float* sums) {
    constexpr int quads = (P + 3) / 4; // pixels are addressed by fours: base, one, two and three steps
    std::ptrdiff_t steps[4] = {0, step, 2 * step, 3 * step};
    opaque(steps[3]);
    const std::int32_t* x[quads];
    FOVEA_UNROLL
    for (int q = 0; q < quads; ++q) x[q] = first + 4 * q * step;

    half_pairs acc[P][NV];
    FOVEA_UNROLL
    for (int p = 0; p < P; ++p) {
        FOVEA_UNROLL
        for (int v = 0; v < NV; ++v) acc[p][v] = pairs_of(broadcast(std::int32_t(0)));
    }
    for (int k = 0; k < count; ++k, w += NV * lanes) {
        half_pairs b[NV];
        FOVEA_UNROLL
        for (int v = 0; v < NV; ++v) {
            fetch_soon(w + (weights_ahead * NV + v) * lanes);
            b[v] = pairs_of(load(w + v * lanes));
        }
        FOVEA_UNROLL
        for (int p = 0; p < P; ++p) {
            std::int32_t pair; // by memcpy, because it was written as two numbers of 16 bits
            std::memcpy(&pair, x[p / 4] + steps[p % 4], sizeof pair);
            const half_pairs a = pairs_of(broadcast(pair));
            FOVEA_UNROLL
            for (int v = 0; v < NV; ++v) acc[p][v] = add_product(a, b[v], acc[p][v]);
        }
        FOVEA_UNROLL
        for (int q = 0; q < quads; ++q) {
            ++x[q];
            opaque(x[q]);
        }
    }
    FOVEA_UNROLL
    for (int p = 0; p < P; ++p) {
        FOVEA_UNROLL
        for (int v = 0; v < NV; ++v) {
            float* to = sums + (p * NV + v) * lanes;
            store(to, load(to) + sums_of(acc[p][v]));
        }
    }
}
// sums[p][o] = the sum of all products of a block; t.runs is 1.
template <int NV, int P>
void sum_half_block(const terms_of<std::int32_t>& t, std::ptrdiff_t at, const std::int32_t* w, float* sums) {
    std::fill_n(sums, P * NV * lanes, 0.f);
    for (int i = 0; i < t.rows; ++i)
        for (int begin = 0, count; begin < t.length; begin += count, w += count * NV * lanes) {
            count = std::min(half_interval, t.length - begin);
            sum_half_interval<NV, P>(t.row[i] + at + begin, t.pixel_step, w, count, sums);
        }
}

// One row of outputs for NV vectors of channels.
template <int NV>
void sum_half_row(const terms_of<std::int32_t>& t, const std::int32_t* w, int pixels, const destination& to,
                  epilogue finish) {
    alignas(64) float sums[max_block_sums];
    each_pixel_block<NV>(pixels, [&](auto size, int from, int x) {
        fetch_destination<NV>(to, from, size());
        sum_half_block<NV, size()>(t, from * t.pixel_step, w, sums);
        finish(to, sums + (x - from) * NV * lanes, NV, x, from + size() - x);
    });
}
using half_row_kernel = void (*)(const terms_of<std::int32_t>&, const std::int32_t* w, int pixels, const destination&,
                                 epilogue);
inline half_row_kernel half_row_kernel_of(int vectors) {
    if constexpr (max_block_vectors == 4)
        if (vectors == 4) return sum_half_row<4>;
    return vectors == 3 ? sum_half_row<3> : vectors == 2 ? sum_half_row<2> : sum_half_row<1>;
}

} // namespace fovea::FOVEA_ISA
