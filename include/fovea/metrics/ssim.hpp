// Structural similarity (Wang, Bovik, Sheikh and Simoncelli 2004) over all windows inside the image:
//
//   SSIM = (2 ma mb + C1)(2 cab + C2) / ((ma^2 + mb^2 + C1)(va + vb + C2)),   C1 = (0.01 * 255)^2, C2 = (0.03 * 255)^2
//
// with the weighted means m, variances v and covariance c of the two images in the window. The result is the mean over
// windows, then over channels, in double. Two definitions are in use:
//
//   ssim           11x11 Gaussian window of sigma 1.5, as in the paper and in this field's tables
//   ssim_uniform   7x7 uniform window, sample variances (divided by 48): the default of scikit-image
#pragma once
#include <array>
#include <cstddef>
#include <vector>

#include "fovea/metrics/gaussian.hpp"
#include "fovea/metrics/planes.hpp"

namespace fovea {

namespace detail {

// A separable window, and the factor from its weighted variances to those of the definition.
struct ssim_window {
    std::vector<double> weights; // along either axis, with sum 1
    double variance_factor = 1;
};

inline ssim_window gaussian_window() { return {gaussian_weights(11, 1.5), 1}; }

inline ssim_window uniform_window() { return {std::vector<double>(7, 1. / 7), 49. / 48}; }

// The five moments a, b, aa, bb, ab of a row of pixel pairs, weighted over the rows of the window: (5,W).
inline void sum_down(const ssim_window& window, const metric_plane& a, const metric_plane& b, int y,
                     std::array<std::vector<double>, 5>& moments) {
    for (auto& m : moments) m.assign(std::size_t(a.width), 0);
    for (std::size_t k = 0; k < window.weights.size(); ++k) {
        const double w = window.weights[k];
        const double *p = a.row(y + int(k)), *q = b.row(y + int(k));
        for (std::size_t x = 0; x < std::size_t(a.width); ++x) {
            moments[0][x] += w * p[x];
            moments[1][x] += w * q[x];
            moments[2][x] += w * p[x] * p[x];
            moments[3][x] += w * q[x] * q[x];
            moments[4][x] += w * p[x] * q[x];
        }
    }
}

FOVEA_HOST_DEVICE inline double ssim_of_moments(const double (&m)[5], double variance_factor) {
    constexpr double c1 = (0.01 * 255) * (0.01 * 255), c2 = (0.03 * 255) * (0.03 * 255);
    const double va = variance_factor * (m[2] - m[0] * m[0]), vb = variance_factor * (m[3] - m[1] * m[1]);
    const double cab = variance_factor * (m[4] - m[0] * m[1]);
    return (2 * m[0] * m[1] + c1) * (2 * cab + c2) / ((m[0] * m[0] + m[1] * m[1] + c1) * (va + vb + c2));
}

inline double mean_ssim(const ssim_window& window, const metric_plane& a, const metric_plane& b) {
    const int size = int(window.weights.size()), rows = a.height - size + 1, columns = a.width - size + 1;
    std::array<std::vector<double>, 5> down;
    double sum = 0;
    for (int y = 0; y < rows; ++y) {
        sum_down(window, a, b, y, down);
        for (int x = 0; x < columns; ++x) {
            double m[5] = {};
            for (std::size_t i = 0; i < down.size(); ++i)
                for (std::size_t k = 0; k < window.weights.size(); ++k)
                    m[i] += window.weights[k] * down[i][std::size_t(x) + k];
            sum += ssim_of_moments(m, window.variance_factor);
        }
    }
    return sum / (double(rows) * columns);
}

inline double mean_ssim(const char* metric, const ssim_window& window, const image& a, const image& b,
                        metric_options options) {
    const auto [p, q] = compared_planes(metric, a, b, options, int(window.weights.size()));
    double sum = 0;
    for (std::size_t c = 0; c < p.size(); ++c) sum += mean_ssim(window, p[c], q[c]);
    return sum / double(p.size());
}

} // namespace detail

// Compares Y (the default) or RGB. 1 for equal images. Throws if the sizes differ or a side is below 11 after the crop.
inline double ssim(const image& a, const image& b, metric_options options = {}) {
    return detail::mean_ssim("ssim", detail::gaussian_window(), a, b, options);
}

// SSIM with scikit-image's window; a side must have at least 7 pixels after the crop.
inline double ssim_uniform(const image& a, const image& b, metric_options options = {}) {
    return detail::mean_ssim("ssim_uniform", detail::uniform_window(), a, b, options);
}

} // namespace fovea
