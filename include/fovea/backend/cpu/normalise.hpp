// Normalisations. layer_norm normalises over the channels of each pixel (Ba, Kiros and Hinton 2016),
//
//   y = (x - mean) / sqrt(variance + epsilon) gamma + beta,
//
// where the variance is that of x - mean, in a second pass. batch_norm (Ioffe and Szegedy 2015) has the same formula
// with a mean and a variance for each channel.
//
//   x[0], y  (N,H,W,C)     layer_norm w: gamma, beta (C)     batch_norm w: weight, bias, running_mean, running_var (C)
#pragma once
#include <cmath>

#include "fovea/backend/cpu/simd.hpp"
#include "fovea/ops/kernel.hpp"

namespace fovea::FOVEA_ISA {

struct norm_weights {
    const float *gamma, *beta;
    float epsilon;
};

// f(first channel, channels) for every vector of a pixel. Vectors > 0 says that so many whole vectors hold all
// channels.
template <int Vectors, class F> FOVEA_INLINE void each_channel_vector(int channels, F f) {
    FOVEA_UNROLL
    for (int v = 0; v < Vectors; ++v) f(v * lanes, lanes);
    if (Vectors == 0)
        for (int c = 0; c < channels; c += lanes) f(c, std::min(lanes, channels - c));
}

// The mean and 1 / deviation of up to `lanes` pixels at a time, so that the sums over their channels fill a vector.
template <int Vectors>
FOVEA_INLINE void layer_moments(const float* x, int pixels, int channels, float epsilon, float* mean, float* factor) {
    const vf scale = broadcast(1.f / float(channels));
    vf sum[lanes];
    for (int p = 0; p < lanes; ++p) {
        sum[p] = broadcast(0.f);
        if (p < pixels)
            each_channel_vector<Vectors>(channels,
                                         [&](int c, int n) { sum[p] = sum[p] + load_first(x + p * channels + c, n); });
    }
    store(mean, sums_of(sum) * scale);
    for (int p = 0; p < pixels; ++p) {
        vf squares = broadcast(0.f);
        const vf m = broadcast(mean[p]);
        each_channel_vector<Vectors>(channels, [&](int c, int n) {
            const vf d = load_first(x + p * channels + c, n) - m, kept = n == lanes ? d : keep_first(d, n);
            squares = fma(kept, kept, squares);
        });
        sum[p] = squares;
    }
    store(factor, broadcast(1.f) / square_root(fma(sums_of(sum), scale, broadcast(epsilon))));
}

template <int Vectors>
void layer_norm_pixels(const float* x, float* y, int pixels, int channels, const norm_weights& w) {
    alignas(64) float mean[lanes], factor[lanes];
    layer_moments<Vectors>(x, pixels, channels, w.epsilon, mean, factor);
    for (int p = 0; p < pixels; ++p) {
        const vf m = broadcast(mean[p]), f = broadcast(factor[p]);
        each_channel_vector<Vectors>(channels, [&](int c, int n) {
            const vf d = load_first(x + p * channels + c, n) - m;
            store_first(y + p * channels + c, fma(d * f, load_first(w.gamma + c, n), load_first(w.beta + c, n)), n);
        });
    }
}

inline void layer_norm_row(const float* x, float* y, int pixels, int channels, const norm_weights& w) {
    const auto some = channels == 32   ? layer_norm_pixels<32 / lanes>
                      : channels == 48 ? layer_norm_pixels<48 / lanes>
                      : channels == 64 ? layer_norm_pixels<64 / lanes>
                                       : layer_norm_pixels<0>;
    for (int from = 0; from < pixels; from += lanes)
        some(x + from * channels, y + from * channels, std::min(lanes, pixels - from), channels, w);
}

inline void layer_norm(const call& c) {
    each_row(c, [&](int n, int y) {
        layer_norm_row(c.x[0].at<const float>(n, y, c.cols.begin), c.y.at<float>(n, y, c.cols.begin), c.cols.size(),
                       c.y.channels, {c.weight<float>(0), c.weight<float>(1), c.a.epsilon});
    });
}

// The mean and 1 / deviation of the channels [first, first + n): those of the batch where the call has its statistics,
// else the running estimates.
struct batch_moments {
    vf mean, factor;
    template <class Call> batch_moments(const Call& c, int channels, int first, int n) {
        if (const float* s = static_cast<const float*>(c.statistics)) {
            mean = load_first(s + first, n), factor = load_first(s + channels + first, n);
        } else {
            const vf variance = load_first(c.template weight<float>(3) + first, n);
            mean = load_first(c.template weight<float>(2) + first, n);
            factor = broadcast(1.f) / square_root(variance + broadcast(c.a.epsilon));
        }
    }
};

inline void batch_norm(const call& c) {
    const int channels = c.y.channels;
    each_row(c, [&](int n, int y) {
        for (int first = 0; first < channels; first += lanes) {
            const int k = std::min(lanes, channels - first);
            const batch_moments by(c, channels, first, k);
            const vf scale = load_first(c.weight<float>(0) + first, k) * by.factor;
            const vf shift = fnma(by.mean, scale, load_first(c.weight<float>(1) + first, k));
            const float* x = c.x[0].at<const float>(n, y, c.cols.begin) + first;
            float* out = c.y.at<float>(n, y, c.cols.begin) + first;
            for (int p = 0; p < c.cols.size(); ++p, x += channels, out += channels)
                store_first(out, fma(load_first(x, k), scale, shift), k);
        }
    });
}

} // namespace fovea::FOVEA_ISA
