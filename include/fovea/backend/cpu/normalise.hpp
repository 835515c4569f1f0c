// Normalisations. layer_norm: over the channels of each pixel (Ba, Kiros & Hinton 2016),
//   y = (x - mean) / sqrt(variance + epsilon) gamma + beta,   centred before the variance is taken.
// batch_norm, in inference (Ioffe & Szegedy 2015): y = (x - running_mean) / sqrt(running_var + epsilon) weight + bias.
//
//   x[0], y  (N,H,W,C)     layer_norm w: gamma, beta (C)     batch_norm w: weight, bias, running_mean, running_var (C)
#pragma once
#include <cmath>

#include "fovea/backend/cpu/simd.hpp"
#include "fovea/graph/kernel.hpp"

namespace fovea::FOVEA_ISA {

// Pixels are taken by as many as a vector has lanes, so that the sums over their channels become one vector.
inline void layer_norm_row(const float* x, float* y, int pixels, int channels, const float* gamma, const float* beta,
                           float epsilon) {
    const vf scale = broadcast(1.f / float(channels));
    alignas(64) float mean[lanes], factor[lanes];
    for (int from = 0; from < pixels; from += lanes, x += lanes * channels, y += lanes * channels) {
        const int n = std::min(lanes, pixels - from);
        vf sum[lanes];
        // means
        for (int p = 0; p < lanes; ++p) {
            sum[p] = broadcast(0.f);
            for (int c = 0; p < n && c < channels; c += lanes)
                sum[p] = sum[p] + load_first(x + p * channels + c, std::min(lanes, channels - c));
        }
        store(mean, sums_of(sum) * scale);
        // variances
        for (int p = 0; p < n; ++p) {
            const vf m = broadcast(mean[p]);
            sum[p] = broadcast(0.f);
            for (int c = 0; c < channels; c += lanes) {
                const int k = std::min(lanes, channels - c);
                const vf d = keep_first(load_first(x + p * channels + c, k) - m, k);
                sum[p] = fma(d, d, sum[p]);
            }
        }
        store(factor, broadcast(1.f) / square_root(fma(sums_of(sum), scale, broadcast(epsilon))));
        // outputs
        for (int p = 0; p < n; ++p) {
            const vf m = broadcast(mean[p]), f = broadcast(factor[p]);
            for (int c = 0; c < channels; c += lanes) {
                const int k = std::min(lanes, channels - c);
                const vf d = load_first(x + p * channels + c, k) - m;
                store_first(y + p * channels + c, fma(d * f, load_first(gamma + c, k), load_first(beta + c, k)), k);
            }
        }
    }
}

inline void layer_norm(const call& c) {
    each_row(c, [&](int n, int y) {
        layer_norm_row(c.x[0].at<const float>(n, y, c.cols.begin), c.y.at<float>(n, y, c.cols.begin), c.cols.size(),
                       c.y.channels, c.weight<float>(0), c.weight<float>(1), c.a.epsilon);
    });
}

inline void batch_norm(const call& c) {
    const int channels = c.y.channels;
    each_row(c, [&](int n, int y) {
        for (int first = 0; first < channels; first += lanes) {
            const int k = std::min(lanes, channels - first);
            const auto weight = [&](int i) { return load_first(c.weight<float>(i) + first, k); };
            const vf scale = weight(0) / square_root(weight(3) + broadcast(c.a.epsilon));
            const vf shift = fnma(weight(2), scale, weight(1));
            const float* x = c.x[0].at<const float>(n, y, c.cols.begin) + first;
            float* out = c.y.at<float>(n, y, c.cols.begin) + first;
            for (int p = 0; p < c.cols.size(); ++p, x += channels, out += channels)
                store_first(out, fma(load_first(x, k), scale, shift), k);
        }
    });
}

} // namespace fovea::FOVEA_ISA
