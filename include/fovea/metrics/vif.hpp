// Visual information fidelity in the pixel domain (Sheikh and Bovik 2006, "Image information and visual quality", the
// multi-scale variant without wavelets): the share of the information in the original that the other image preserves.
// Over the windows of four scales, N = 17, 9, 5, 3 pixels wide, Gaussian with sigma N / 5:
//
//   VIF = sum log(1 + g^2 va / (ve + 2)) / sum log(1 + va / 2),   g = c / va,   ve = vb - g c
//
// with the weighted variances va of the original and vb of the other image, and their covariance c. Before each scale
// but the first, both images are blurred with that scale's window, and every second row and column is kept. Only
// windows inside the image count. g is 0 in a window where either image has a variance below 1e-10, or where g would be
// negative. Computed in double.
//
// The 2 is the variance of the observer's noise for values in 0..255; samples of every type are scaled to that range.
// Tools that compute on values in [0,1] without scaling give other figures.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "fovea/metrics/gaussian.hpp"
#include "fovea/metrics/planes.hpp"

namespace fovea {

inline constexpr int vif_least_side = 41; // pixels that the windows of the four scales need

namespace detail {

// Applies the window at the positions 0, step, 2 step, ... of both axes where it lies inside the plane.
inline metric_plane filtered(const std::vector<double>& window, const metric_plane& in, int step) {
    const int size = int(window.size());
    metric_plane out{(in.height - size) / step + 1, (in.width - size) / step + 1, {}};
    std::vector<double> down(std::size_t(in.width));
    out.values.reserve(std::size_t(out.height) * std::size_t(out.width));
    for (int y = 0; y < out.height; ++y) {
        std::ranges::fill(down, 0.);
        for (int k = 0; k < size; ++k)
            for (std::size_t x = 0; x < down.size(); ++x) down[x] += window[std::size_t(k)] * in.row(y * step + k)[x];
        for (int x = 0; x < out.width; ++x) {
            double sum = 0;
            for (std::size_t k = 0; k < window.size(); ++k) sum += window[k] * down[std::size_t(x * step) + k];
            out.values.push_back(sum);
        }
    }
    return out;
}

inline metric_plane product(const metric_plane& a, const metric_plane& b) {
    metric_plane out = a;
    for (std::size_t i = 0; i < out.values.size(); ++i) out.values[i] *= b.values[i];
    return out;
}

// The information that the other image preserves, and that of the original, as sums of logarithms of any base.
struct visual_information {
    double kept = 0, whole = 0;
};

// The information in one window, from variances and covariance.
FOVEA_HOST_DEVICE inline visual_information information_of(double va, double vb, double c) {
    constexpr double noise = 2, least = 1e-10;
    double g = c / (va + least), ve = vb - g * c;
    if (va < least) g = 0, ve = vb, va = 0;
    if (vb < least) g = 0, ve = 0;
    if (g < 0) g = 0, ve = vb;
    ve = ve < least ? least : ve;
    return {std::log1p(g * g * va / (ve + noise)), std::log1p(va / noise)};
}

inline visual_information information_at(const std::vector<double>& window, const metric_plane& a,
                                         const metric_plane& b) {
    const metric_plane ma = filtered(window, a, 1), mb = filtered(window, b, 1);
    const metric_plane aa = filtered(window, product(a, a), 1), bb = filtered(window, product(b, b), 1),
                       ab = filtered(window, product(a, b), 1);
    visual_information sum;
    for (std::size_t i = 0; i < ma.values.size(); ++i) {
        const double p = ma.values[i], q = mb.values[i];
        const visual_information v = information_of(std::max(aa.values[i] - p * p, 0.),
                                                    std::max(bb.values[i] - q * q, 0.), ab.values[i] - p * q);
        sum.kept += v.kept, sum.whole += v.whole;
    }
    return sum;
}

inline constexpr int vif_windows[] = {17, 9, 5, 3}; // widths for the four scales
inline std::vector<double> vif_window(int size) { return gaussian_weights(size, size / 5.); }
inline double information_ratio(visual_information v) { return v.whole > 0 ? v.kept / v.whole : 1; }

inline double vif_of(metric_plane original, metric_plane other) {
    visual_information sum;
    for (int size : vif_windows) {
        const std::vector<double> window = vif_window(size);
        if (size < vif_windows[0]) original = filtered(window, original, 2), other = filtered(window, other, 2);
        const visual_information v = information_at(window, original, other);
        sum.kept += v.kept, sum.whole += v.whole;
    }
    return information_ratio(sum);
}

} // namespace detail

// Compares `made` with `original`; the order matters. On Y (the default), or the mean over R, G and B. 1 for equal
// images and for an original without information; above 1 if `made` has more contrast. Throws if the sizes differ or a
// side is below vif_least_side after the crop.
inline double vif(const image& made, const image& original, metric_options options = {}) {
    const auto [b, a] = detail::compared_planes("vif", made, original, options, vif_least_side);
    double sum = 0;
    for (std::size_t c = 0; c < a.size(); ++c) sum += detail::vif_of(a[c], b[c]);
    return sum / double(a.size());
}

} // namespace fovea
