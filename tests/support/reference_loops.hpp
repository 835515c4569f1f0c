// The operations as plain loops in double precision, to measure kernels against.
#pragma once
#include <cmath>
#include <utility>
#include <vector>

#include "fovea/ops/kernel.hpp"
#include "fovea/tensor/tensor.hpp"

namespace fovea_test {

// Zero outside the image.
inline double padded(const fovea::tensor_view<const float>& x, int n, int h, int w, int c) {
    return h < 0 || h >= x.height() || w < 0 || w >= x.width() ? 0. : double(x.at(n, h, w)[c]);
}

inline double reference_activation(fovea::activation_kind kind, double x, double slope) {
    using enum fovea::activation_kind;
    if (std::isnan(x)) return x;
    switch (kind) {
        case relu:
            return std::max(x, 0.);
        case leaky_relu:
            return x < 0 ? slope * x : x;
        case silu:
            return x < -700 ? 0. : x / (1 + std::exp(-x));
        case gelu:
            return x < -40 ? 0. : x > 40 ? x : x * 0.5 * std::erfc(-x * std::sqrt(0.5));
        case unit_range:
            return std::min(std::max(x, 0.), 1.);
        default:
            return x;
    }
}

// y = act(conv(x, w) + b) + skip; w (O,I/groups,K,K).
inline std::vector<double> reference_convolution(const fovea::tensor<float>& input, const std::vector<float>& w,
                                                 const float* b, const fovea::tensor<float>* skip,
                                                 const fovea::attributes& a, int outputs, int height, int width) {
    std::vector<double> y;
    const auto x = input.view();
    const int inputs = x.channels() / a.groups, K = a.kernel, per_group = outputs / a.groups;
    for (int n = 0; n < x.batch(); ++n)
        for (int i = 0; i < height; ++i)
            for (int j = 0; j < width; ++j)
                for (int o = 0; o < outputs; ++o) {
                    double sum = b ? double(b[o]) : 0.;
                    for (int p = 0; p < K; ++p)
                        for (int q = 0; q < K; ++q)
                            for (int k = 0; k < inputs; ++k)
                                sum += double(w[std::size_t(((o * inputs + k) * K + p) * K + q)]) *
                                       padded(x, n, i * a.stride + a.offset + (p - K / 2) * a.dilation,
                                              j * a.stride + a.offset + (q - K / 2) * a.dilation,
                                              o / per_group * inputs + k);
                    y.push_back(reference_activation(a.activation, sum, double(a.slope)) +
                                (skip ? double(skip->at(n, i, j)[o]) : 0.));
                }
    return y;
}

// Over each pixel's `channels` values in place.
inline void reference_layer_norm(std::vector<double>& y, int channels, const float* gamma, const float* beta,
                                 double epsilon) {
    for (std::size_t at = 0; at < y.size(); at += std::size_t(channels)) {
        double mean = 0, variance = 0;
        for (int k = 0; k < channels; ++k) mean += y[at + std::size_t(k)] / channels;
        for (int k = 0; k < channels; ++k) variance += std::pow(y[at + std::size_t(k)] - mean, 2) / channels;
        for (int k = 0; k < channels; ++k) {
            double& v = y[at + std::size_t(k)];
            v = (v - mean) / std::sqrt(variance + epsilon) * double(gamma[k]) + double(beta[k]);
        }
    }
}

// One source coordinate and weight per tap of a framework's magnification by r.
inline std::vector<std::pair<int, double>> reference_taps(int i, int r, int size, fovea::interpolation filter) {
    const auto clamp = [&](int at) { return std::min(std::max(at, 0), size - 1); };
    if (filter == fovea::interpolation::nearest) return {{i / r, 1.}};
    const double source = (i + 0.5) / r - 0.5;
    const int below = int(std::floor(source));
    const double t = source - below;
    if (filter == fovea::interpolation::bilinear) return {{clamp(below), 1 - t}, {clamp(below + 1), t}};
    std::vector<std::pair<int, double>> taps;
    for (int k = -1; k <= 2; ++k) {
        const double d = std::fabs(t - k), a = -0.75;
        const double weight =
            d <= 1 ? (a + 2) * d * d * d - (a + 3) * d * d + 1 : a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a;
        taps.emplace_back(clamp(below + k), weight);
    }
    return taps;
}

inline std::vector<double> reference_upsample(const fovea::tensor<float>& input, int r, fovea::interpolation filter,
                                              const fovea::tensor<float>* skip) {
    std::vector<double> y;
    const auto x = input.view();
    for (int n = 0; n < x.batch(); ++n)
        for (int i = 0; i < x.height() * r; ++i) {
            const auto rows = reference_taps(i, r, x.height(), filter);
            for (int j = 0; j < x.width() * r; ++j) {
                const auto columns = reference_taps(j, r, x.width(), filter);
                for (int k = 0; k < x.channels(); ++k) {
                    double sum = skip ? double(skip->at(n, i, j)[k]) : 0.;
                    for (auto [p, u] : rows)
                        for (auto [q, v] : columns) sum += u * v * double(x.at(n, p, q)[k]);
                    y.push_back(sum);
                }
            }
        }
    return y;
}

} // namespace fovea_test
