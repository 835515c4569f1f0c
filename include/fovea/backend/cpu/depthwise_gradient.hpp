// dw and db of a depthwise convolution: dw[c][tap] += sum over pixels of dy[p][c] x[p stride + tap][c].
//
//   x  (N,H,W,C)     dy  (N,H',W',C)     dw  (C,1,K,K), db  (C) or null: +=
#pragma once
#include "fovea/backend/cpu/weight_gradient.hpp"

namespace fovea::FOVEA_ISA {

// Adds the products of one row of pixels to sums [K][NV * lanes], for K neighbouring taps of NV vectors of channels.
// The last vector has `last` channels.
template <int K, int NV>
void sum_depthwise_taps(const float* x, std::ptrdiff_t x_step, std::ptrdiff_t tap_step, const float* dy,
                        std::ptrdiff_t dy_step, int pixels, int last, float* sums) {
    const auto at = [last](const float* p, int v) {
        return v + 1 == NV ? load_first(p + v * lanes, last) : load(p + v * lanes);
    };
    vf acc[K][NV];
    FOVEA_UNROLL
    for (int k = 0; k < K; ++k) {
        FOVEA_UNROLL
        for (int v = 0; v < NV; ++v) acc[k][v] = load(sums + (k * NV + v) * lanes);
    }
    for (int p = 0; p < pixels; ++p, x += x_step, dy += dy_step) {
        vf d[NV];
        FOVEA_UNROLL
        for (int v = 0; v < NV; ++v) d[v] = at(dy, v);
        FOVEA_UNROLL
        for (int k = 0; k < K; ++k) {
            FOVEA_UNROLL
            for (int v = 0; v < NV; ++v) acc[k][v] = fma(at(x + k * tap_step, v), d[v], acc[k][v]);
        }
    }
    FOVEA_UNROLL
    for (int k = 0; k < K; ++k) {
        FOVEA_UNROLL
        for (int v = 0; v < NV; ++v) store(sums + (k * NV + v) * lanes, acc[k][v]);
    }
}
using depthwise_taps = void (*)(const float*, std::ptrdiff_t, std::ptrdiff_t, const float*, std::ptrdiff_t, int, int,
                                float*);

template <int NV> void depthwise_weight_gradient_of(const gradient_call& c, int first) {
    const int kernel = c.dims[2], half = kernel / 2, s = c.a.stride, channels = c.dy.channels;
    const int group = kernel == 5 ? 5 : kernel == 3 ? 3 : 1; // taps at once
    const depthwise_taps sum = group == 5   ? sum_depthwise_taps<5, NV>
                               : group == 3 ? sum_depthwise_taps<3, NV>
                                            : sum_depthwise_taps<1, NV>;
    const int here = std::min(NV * lanes, channels - first), last = here - (NV - 1) * lanes;
    alignas(64) float sums[5 * NV * lanes];
    float* dw = c.weight_gradient<float>(0); // (C,1,K,K)
    for (int i = 0; i < kernel; ++i)
        for (int j = 0; j < kernel; j += group) {
            std::fill_n(sums, 5 * NV * lanes, 0.f);
            each_row(c, [&](int n, int y) {
                const int v = y * s + c.a.offset + (i - half) * c.a.dilation,
                          u = c.a.offset + (j - half) * c.a.dilation;
                if (v < 0 || v >= c.x[0].height) return;
                sum(c.x[0].at<const float>(n, v, u) + first, std::ptrdiff_t(s) * channels,
                    std::ptrdiff_t(c.a.dilation) * channels, c.dy.at<const float>(n, y, 0) + first, channels,
                    c.dy.width, last, sums);
            });
            for (int k = 0; k < group; ++k)
                for (int channel = 0; channel < here; ++channel)
                    dw[(std::ptrdiff_t(first + channel) * kernel + i) * kernel + j + k] +=
                        sums[k * NV * lanes + channel];
        }
}

inline void depthwise_weight_gradient(const gradient_call& c) {
    constexpr int NV = vector_registers == 32 ? 4 : 2; // that five taps leave registers for
    int first = 0;
    for (; c.dy.channels - first > (NV - 1) * lanes; first += NV * lanes) depthwise_weight_gradient_of<NV>(c, first);
    for (; first < c.dy.channels; first += lanes) depthwise_weight_gradient_of<1>(c, first);
    sum_bias_gradient(c, c.weight_gradient<float>(1));
}

} // namespace fovea::FOVEA_ISA
