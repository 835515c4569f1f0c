// y = act(depthwise conv(x, w) + b) + skip (optional): every channel with its own K x K filter; any odd kernel, stride
// and dilation, padded with zeros.
//
//   x[0]  (N,H,W,C)     x[1]  (N,H',W',C), optional, may be y     y  (N,H',W',C)
//   w[0]  packed by pack_depthwise from (C,1,K,K)                 w[1]  (C) or null
#pragma once
#include <cassert>

#include "fovea/backend/cpu/epilogue.hpp"
#include "fovea/backend/cpu/register_block.hpp"

namespace fovea::FOVEA_ISA {

// Weights are packed as [C / lanes][K][K][lanes], with zeros beyond the last channel.
inline std::size_t packed_depthwise_bytes(const preparation_call& c) {
    const weight_shape s = c.dims[0];
    return sizeof(float) * std::size_t((s[0] + lanes - 1) / lanes * lanes * s[2] * s[3]);
}
// turned: filters rotated by 180 degrees, for the gradient of the input.
inline void pack_depthwise_filters(const preparation_call& c, bool turned) {
    const int channels = c.dims[0][0], taps = c.dims[0][2] * c.dims[0][3];
    const float* w = c.weight<float>(0);
    float* out = static_cast<float*>(c.out);
    for (int first = 0; first < channels; first += lanes)
        for (int tap = 0; tap < taps; ++tap) {
            const int from = turned ? taps - 1 - tap : tap;
            for (int i = first; i < first + lanes; ++i)
                *out++ = i < channels ? w[std::ptrdiff_t(i) * taps + from] : 0.f;
        }
}
inline void pack_depthwise(const preparation_call& c) { pack_depthwise_filters(c, false); }

// Neighbouring outputs of a block. With K taps and one input vector they fill the registers.
inline constexpr int depthwise_block = vector_registers == 32 ? 16 : 8;

// acc[b] += sum over taps (i, k) of row[i][b + k D] taps[i][k], for B neighbouring outputs of one vector of channels,
// which lie `step` floats apart. Step is that number where it is a constant, else 0. Every input vector is loaded once
// for a row of taps and added to the outputs, at most K, that it belongs to.
template <int K, int D, int Step, int B>
FOVEA_INLINE void sum_taps(const float* const* row, std::ptrdiff_t at, std::ptrdiff_t step, const float* taps,
                           vf (&acc)[B]) {
    for (int i = 0; i < K; ++i, taps += K * lanes) {
        const float* x = row[i] + at;
        opaque(x); // here and below, because g++ otherwise keeps an offset for each column, in memory
        vf w[K];
        FOVEA_UNROLL
        for (int k = 0; k < K; ++k) w[k] = load(taps + k * lanes);
        FOVEA_UNROLL
        for (int j = 0; j < B + (K - 1) * D; ++j) {
            const vf v = load(Step > 0 ? x + j * Step : x);
            if constexpr (Step == 0) {
                x += step;
                opaque(x);
            }
            FOVEA_UNROLL
            for (int k = 0; k < K; ++k)
                if (j - k * D >= 0 && j - k * D < B) acc[j - k * D] = fma(v, w[k], acc[j - k * D]);
        }
    }
}

// One vector of channels of one output row.
struct depthwise_row {
    const float* row[max_kernel]; // at the first tap of output column 0
    int kernel, stride, dilation, pixels;
    std::ptrdiff_t column_step; // floats
    const float* taps;
    int channels; // of this vector
};

// With stride 1 the outputs x, x + d, x + 2 d, ... share their inputs, whatever the dilation d.
template <int K> void depthwise_shared(const depthwise_row& r, const destination& to, epilogue finish) {
    const auto block = [&](auto size, std::ptrdiff_t at, const destination& d, int x, int skipped) {
        constexpr int B = decltype(size)::value;
        vf acc[B];
        alignas(64) float sums[B * lanes];
        FOVEA_UNROLL
        for (int b = 0; b < B; ++b) acc[b] = broadcast(0.f);
        sum_taps<K, 1, 0>(r.row, at, r.dilation * r.column_step, r.taps, acc);
        FOVEA_UNROLL
        for (int b = 0; b < B; ++b) store(sums + b * lanes, acc[b]);
        finish(d, sums + skipped * lanes, 1, x, B - skipped);
    };
    // Seven taps, eight sums and an input would take all 16 registers, and compilers spill before that.
    constexpr int B = vector_registers == 16 && K >= 7 ? 6 : depthwise_block;
    for (int phase = 0; phase < std::min(r.dilation, r.pixels); ++phase) {
        destination d = to;
        d.y += phase * d.pixel_step;
        if (d.skip) d.skip += phase * d.pixel_step;
        d.pixel_step *= r.dilation;
        const int n = (r.pixels - phase + r.dilation - 1) / r.dilation;
        for (int x = 0; x < n;) { // the last block overlaps the one before and keeps only what is new
            const int size = n < B ? 1 : B, from = std::min(x, n - size);
            const std::ptrdiff_t at = (phase + from * r.dilation) * r.column_step;
            if (size == 1)
                block(std::integral_constant<int, 1>{}, at, d, x, 0);
            else
                block(std::integral_constant<int, B>{}, at, d, x, x - from);
            x = from + size;
        }
    }
}

// Any kernel and stride, any number of channels.
inline void depthwise_general(const depthwise_row& r, const destination& to, epilogue finish) {
    constexpr int B = 4;
    alignas(64) float sums[B * lanes];
    for (int x = 0; x < r.pixels; x += B) {
        const int pixels = std::min(B, r.pixels - x);
        vf acc[B];
        FOVEA_UNROLL
        for (int b = 0; b < B; ++b) acc[b] = broadcast(0.f);
        const float* taps = r.taps;
        for (int i = 0; i < r.kernel; ++i)
            for (int k = 0; k < r.kernel; ++k, taps += lanes) {
                const float* in = r.row[i] + (std::ptrdiff_t(x) * r.stride + k * r.dilation) * r.column_step;
                const vf w = load(taps);
                FOVEA_UNROLL
                for (int b = 0; b < B; ++b) { // beyond the last pixel, the last one again
                    const std::ptrdiff_t at = std::min(b, pixels - 1) * r.stride * r.column_step;
                    acc[b] = fma(load_first(in + at, r.channels), w, acc[b]);
                }
            }
        FOVEA_UNROLL
        for (int b = 0; b < B; ++b) store(sums + b * lanes, acc[b]);
        finish(to, sums, 1, x, pixels);
    }
}

inline void depthwise(const call& c) {
    const window& in = c.x[0];
    const int K = c.dims[2], half = K / 2, channels = in.channels;
    assert(K <= max_kernel);
    const epilogue finish = epilogue_of(c.a.activation);
    const auto shared = c.a.stride != 1 ? nullptr
                        : K == 3        ? depthwise_shared<3>
                        : K == 5        ? depthwise_shared<5>
                        : K == 7        ? depthwise_shared<7>
                                        : nullptr;
    const float* bias = c.weight<float>(1);
    each_row(c, [&](int n, int y) {
        for (int first = 0; first < channels; first += lanes) {
            depthwise_row r{{}, K, c.a.stride, c.a.dilation, c.cols.size(), channels, nullptr, 0};
            r.taps = c.weight<float>(0) + std::ptrdiff_t(first) * K * K;
            r.channels = std::min(lanes, channels - first);
            for (int i = 0; i < K; ++i)
                r.row[i] = in.read<float>(n, y * c.a.stride + c.a.offset + (i - half) * c.a.dilation,
                                          c.cols.begin * c.a.stride + c.a.offset - half * c.a.dilation) +
                           first;
            const destination to{.y = c.y.at<float>(n, y, c.cols.begin) + first,
                                 .pixel_step = channels,
                                 .vector_step = lanes,
                                 .channels = r.channels,
                                 .bias = bias ? bias + first : nullptr,
                                 .skip = c.x[1] ? c.x[1].at<const float>(n, y, c.cols.begin) + first : nullptr,
                                 .slope = c.a.slope};
            if (shared && r.channels == lanes)
                shared(r, to, finish);
            else
                depthwise_general(r, to, finish);
        }
    });
}

} // namespace fovea::FOVEA_ISA
