// Gradients of normalisations, and the statistics of a batch.
//
// layer_norm, with u = (x - mean) / deviation and g = dy gamma, where means are over the channels of a pixel:
//
//   dx = (g - mean of g - u mean of g u) / deviation     dgamma += dy u     dbeta += dy
//
// batch_norm has the same formulas with means over the pixels of a channel. They come from gradient_call::statistics, 4
// C numbers: mean, 1 / deviation, mean of dy, mean of dy u. Where that is null, the running estimates take the place of
// the first two, and the means of dy and dy u are zero.
//
//   x, dy, dx  (N,H,W,C), dx may be dy; dx is overwritten or added to     gamma, beta (C)
#pragma once
#include <cmath>

#include "fovea/backend/cpu/elementwise_gradient.hpp"
#include "fovea/backend/cpu/normalise.hpp"

namespace fovea::FOVEA_ISA {

inline void layer_norm_input_gradient_pixels(const float* x, const float* dy, float* dx, int pixels, int channels,
                                             const float* gamma, float epsilon, bool adds) {
    alignas(64) float mean[lanes], factor[lanes], mean_g[lanes], mean_gu[lanes];
    layer_moments<0>(x, pixels, channels, epsilon, mean, factor);
    vf g_sum[lanes], product[lanes];
    for (int p = 0; p < lanes; ++p) {
        g_sum[p] = product[p] = broadcast(0.f);
        if (p < pixels)
            each_channel_vector<0>(channels, [&](int c, int n) {
                const vf g = load_first(dy + p * channels + c, n) * load_first(gamma + c, n);
                g_sum[p] = g_sum[p] + g;
                product[p] = fma(g, load_first(x + p * channels + c, n) - broadcast(mean[p]), product[p]);
            });
    }
    const vf scale = broadcast(1.f / float(channels));
    store(mean_g, sums_of(g_sum) * scale);
    store(mean_gu, sums_of(product) * scale * load(factor));
    for (int p = 0; p < pixels; ++p)
        each_channel_vector<0>(channels, [&](int c, int n) {
            const int at = p * channels + c;
            const vf u = (load_first(x + at, n) - broadcast(mean[p])) * broadcast(factor[p]);
            const vf g = load_first(dy + at, n) * load_first(gamma + c, n);
            const vf d = fnma(u, broadcast(mean_gu[p]), g - broadcast(mean_g[p])) * broadcast(factor[p]);
            store_first(dx + at, adds ? load_first(dx + at, n) + d : d, n);
        });
}

inline void layer_norm_input_gradient(const gradient_call& c) {
    const int channels = c.dy.channels;
    each_row(c, [&](int n, int y) {
        for (int from = c.cols.begin; from < c.cols.end; from += lanes)
            layer_norm_input_gradient_pixels(c.x[0].at<const float>(n, y, from), c.dy.at<const float>(n, y, from),
                                             c.dx[0].at<float>(n, y, from), std::min(lanes, c.cols.end - from),
                                             channels, c.weight<float>(0), c.a.epsilon, c.accumulates[0]);
    });
}
inline void layer_norm_weight_gradient(const gradient_call& c) {
    const int channels = c.dy.channels;
    float *dgamma = c.weight_gradient<float>(0), *dbeta = c.weight_gradient<float>(1);
    alignas(64) float mean[lanes], factor[lanes];
    each_row(c, [&](int n, int y) {
        for (int from = 0; from < c.dy.width; from += lanes) {
            const float *x = c.x[0].at<const float>(n, y, from), *dy = c.dy.at<const float>(n, y, from);
            const int pixels = std::min(lanes, c.dy.width - from);
            layer_moments<0>(x, pixels, channels, c.a.epsilon, mean, factor);
            each_channel_vector<0>(channels, [&](int k, int count) {
                vf gamma = load_first(dgamma + k, count), beta = load_first(dbeta + k, count);
                for (int p = 0; p < pixels; ++p) {
                    const vf d = load_first(dy + p * channels + k, count);
                    const vf u = (load_first(x + p * channels + k, count) - broadcast(mean[p])) * broadcast(factor[p]);
                    gamma = fma(d, u, gamma), beta = beta + d;
                }
                store_first(dgamma + k, gamma, count), store_first(dbeta + k, beta, count);
            });
        }
    });
}

// Two sums over pixels for each channel of a vector. Rows are summed in float, the sums of rows in double.
struct channel_sums {
    double sum[lanes] = {}, product[lanes] = {};
    void add(vf row, vf row_product) {
        alignas(64) float part[lanes];
        store(part, row);
        for (int i = 0; i < lanes; ++i) sum[i] += double(part[i]);
        store(part, row_product);
        for (int i = 0; i < lanes; ++i) product[i] += double(part[i]);
    }
};

inline void batch_norm_statistics(const gradient_call& c) {
    constexpr float momentum = 0.1f;
    const window& x = c.x[0];
    const int channels = x.channels, first = c.outputs.begin, count = c.outputs.size();
    const double pixels = double(c.images.size()) * x.height * x.width;
    const auto each_image_row = [&](auto f) {
        for (int n = c.images.begin; n < c.images.end; ++n)
            for (int y = 0; y < x.height; ++y) f(x.at<const float>(n, y, 0));
    };
    float* out = static_cast<float*>(c.statistics);
    for (int k = 0; k < count; k += lanes) {
        const int at = first + k, here = std::min(lanes, count - k);
        alignas(64) float mean[lanes] = {};
        channel_sums sums, squares;
        each_image_row([&](const float* row) {
            vf sum = broadcast(0.f);
            for (int p = 0; p < x.width; ++p) sum = sum + load_first(row + p * channels + at, here);
            sums.add(sum, sum);
        });
        for (int i = 0; i < here; ++i) mean[i] = float(sums.sum[i] / pixels);
        each_image_row([&](const float* row) { // differences from the rounded mean; their sum corrects for its rounding
            vf square = broadcast(0.f), difference = broadcast(0.f);
            for (int p = 0; p < x.width; ++p) {
                const vf d = load_first(row + p * channels + at, here) - load(mean);
                square = fma(d, d, square), difference = difference + d;
            }
            squares.add(square, difference);
        });
        for (int i = 0; i < here; ++i) {
            const double off = squares.product[i] / pixels, square = squares.sum[i] - off * off * pixels;
            const float exact = float(sums.sum[i] / pixels);
            out[at + i] = exact, out[channels + at + i] = float(1 / std::sqrt(square / pixels + double(c.a.epsilon)));
            if (float* running = c.weight_gradient<float>(2)) running[at + i] += momentum * (exact - running[at + i]);
            if (float* running = c.weight_gradient<float>(3))
                running[at + i] += momentum * (float(square / std::max(pixels - 1, 1.)) - running[at + i]);
        }
    }
}

inline void batch_norm_gradient_statistics(const gradient_call& c) {
    const int channels = c.dy.channels, first = c.outputs.begin, count = c.outputs.size();
    const double pixels = double(c.images.size()) * c.dy.height * c.dy.width;
    float* out = static_cast<float*>(c.statistics);
    for (int k = 0; k < count; k += lanes) {
        const int at = first + k, here = std::min(lanes, count - k);
        const vf mean = load_first(out + at, here), factor = load_first(out + channels + at, here);
        channel_sums sums;
        for (int n = c.images.begin; n < c.images.end; ++n)
            for (int y = 0; y < c.dy.height; ++y) {
                const float *x = c.x[0].at<const float>(n, y, 0) + at, *dy = c.dy.at<const float>(n, y, 0) + at;
                vf sum = broadcast(0.f), product = broadcast(0.f);
                for (int p = 0; p < c.dy.width; ++p, x += channels, dy += channels) {
                    const vf d = load_first(dy, here);
                    sum = sum + d, product = fma(d, (load_first(x, here) - mean) * factor, product);
                }
                sums.add(sum, product);
            }
        for (int i = 0; i < here; ++i) {
            out[2 * channels + at + i] = float(sums.sum[i] / pixels);
            out[3 * channels + at + i] = float(sums.product[i] / pixels);
        }
    }
}

inline void batch_norm_input_gradient(const gradient_call& c) {
    const int channels = c.dy.channels;
    const float* s = static_cast<const float*>(c.statistics);
    each_channel_row(c, [&](int n, int y, int first, int k) {
        const batch_moments by(c, channels, first, k);
        const vf scale = by.factor * load_first(c.weight<float>(0) + first, k);
        const vf mean_dy = s ? load_first(s + 2 * channels + first, k) : broadcast(0.f);
        const vf mean_product = s ? load_first(s + 3 * channels + first, k) * by.factor : broadcast(0.f);
        const float* x = c.x[0].at<const float>(n, y, c.cols.begin) + first;
        const float* dy = c.dy.at<const float>(n, y, c.cols.begin) + first;
        float* dx = c.dx[0].at<float>(n, y, c.cols.begin) + first;
        for (int p = 0; p < c.cols.size(); ++p, x += channels, dy += channels, dx += channels) {
            const vf d = fnma(load_first(x, k) - by.mean, mean_product, load_first(dy, k) - mean_dy) * scale;
            store_first(dx, c.accumulates[0] ? load_first(dx, k) + d : d, k);
        }
    });
}
// The statistics of a batch hold the sums already, so that each call adds the share of its pixels.
inline void batch_norm_weight_gradient(const gradient_call& c) {
    const int channels = c.dy.channels;
    if (const float* s = static_cast<const float*>(c.statistics)) {
        const float pixels = float(double(c.images.size()) * c.rows.size() * c.dy.width);
        for (int i = 0; i < channels; ++i) {
            c.weight_gradient<float>(0)[i] += pixels * s[3 * channels + i];
            c.weight_gradient<float>(1)[i] += pixels * s[2 * channels + i];
        }
        return;
    }
    each_channel_row(c, [&](int n, int y, int first, int k) {
        const batch_moments by(c, channels, first, k);
        const float* x = c.x[0].at<const float>(n, y, 0) + first;
        const float* dy = c.dy.at<const float>(n, y, 0) + first;
        vf gamma = broadcast(0.f), beta = gamma;
        for (int p = 0; p < c.dy.width; ++p, x += channels, dy += channels) {
            const vf d = load_first(dy, k);
            gamma = fma(d, (load_first(x, k) - by.mean) * by.factor, gamma), beta = beta + d;
        }
        float *dgamma = c.weight_gradient<float>(0) + first, *dbeta = c.weight_gradient<float>(1) + first;
        store_first(dgamma, load_first(dgamma, k) + gamma, k), store_first(dbeta, load_first(dbeta, k) + beta, k);
    });
}

} // namespace fovea::FOVEA_ISA
