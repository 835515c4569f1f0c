// Peak signal-to-noise ratio in decibels:
//
//   10 log10(255^2 / mean((a - b)^2)),   the mean over all pixels and channels, in double
#pragma once
#include <cmath>
#include <cstddef>
#include <limits>

#include "fovea/metrics/planes.hpp"

namespace fovea {

namespace detail {

// The PSNR for a sum of squared differences of `count` values.
inline double psnr_of(double sum, double count) {
    return sum == 0 ? std::numeric_limits<double>::infinity() : 10 * std::log10(255. * 255. * count / sum);
}

} // namespace detail

// Compares Y (the default) or RGB. Infinity for equal images. Throws if the sizes differ or the crop leaves no pixels.
inline double psnr(const image& a, const image& b, metric_options options = {}) {
    const auto [p, q] = detail::compared_planes("psnr", a, b, options, 1);
    double sum = 0;
    std::size_t count = 0;
    for (std::size_t c = 0; c < p.size(); ++c)
        for (std::size_t i = 0; i < p[c].values.size(); ++i, ++count) {
            const double d = p[c].values[i] - q[c].values[i];
            sum += d * d;
        }
    return detail::psnr_of(sum, double(count));
}

} // namespace fovea
