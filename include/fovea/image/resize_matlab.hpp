// Bicubic resizing as MATLAB's imresize does it, which makes the low-resolution images of papers and test sets.
//
//   k(t) = 1.5|t|^3 - 2.5|t|^2 + 1          |t| <= 1        (Keys 1981, a = -0.5)
//        = -0.5|t|^3 + 2.5|t|^2 - 4|t| + 2  |t| <= 2
//   s = output size / input size; shrinking, the kernel is stretched to s k(s t)
//   output i (from 1) lies at u = i/s + (1 - 1/s)/2 of the input (from 1); weights k(u - j), normalised to sum 1
//
// The border is mirrored, with the border pixels repeated. The dimension with the smaller s is resized first; if both
// are equal, rows before columns. Arithmetic is in double. Integer samples are rounded, halves upwards, and clamped
// after each of the two passes; only so do the results match published files bit for bit.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "fovea/core/interpolation.hpp"
#include "fovea/image/taps.hpp"

namespace fovea {

namespace detail {

// The cubic convolution kernel of parameter a (Keys 1981) at any position t.
inline double keys_kernel(double t, double a) {
    t = std::abs(t);
    return t < 2 ? cubic_weight(t, a) : 0;
}

struct matlab_arithmetic {
    using accumulator = double;
    static constexpr double start = 0;
    template <class T> static T finish(double sum) {
        if constexpr (std::is_integral_v<T>)
            return T(std::clamp(std::floor(sum + 0.5), 0., double(white_of(sample_type_of<T>))));
        else
            return T(sum);
    }
};

inline tap_table<double> matlab_taps(int inputs, int outputs) {
    const double s = double(outputs) / inputs, stretch = std::min(s, 1.);
    const double width = 4 / stretch;
    tap_table<double> table(outputs, int(std::ceil(width)) + 2);
    for (int i = 0; i < outputs; ++i) {
        const double u = (i + 1) / s + 0.5 * (1 - 1 / s);
        const double left = std::floor(u - width / 2);
        double sum = 0;
        for (int k = 0; k < table.taps; ++k) {
            const double weight = stretch * keys_kernel(stretch * (u - left - k), matlab_cubic);
            table.weight[table.at(i, k)] = weight;
            sum += weight;
            int j = (int(left) + k - 1) % (2 * inputs); // from 0, before mirroring
            if (j < 0) j += 2 * inputs;
            table.index[table.at(i, k)] = j < inputs ? j : 2 * inputs - 1 - j;
        }
        for (int k = 0; k < table.taps; ++k) table.weight[table.at(i, k)] /= sum;
    }
    return table;
}

} // namespace detail

// Resizes an image (H,W,C) of any sample type to (height,width,C). Every channel, alpha too, is resized separately;
// replace the colours of transparent pixels first (alpha.hpp). Throws if a size is not positive or the image is empty.
inline image resize_matlab(const image& in, int height, int width) {
    using detail::matlab_arithmetic;
    detail::check_target_size("resize_matlab", in, height, width);
    return detail::with_samples_of(in.type(), [&](auto sample) {
        using T = decltype(sample);
        const auto down = detail::matlab_taps(in.height(), height), across = detail::matlab_taps(in.width(), width);
        const auto columns = [&](const image& x) {
            return height == x.height() ? x : detail::resample_columns<matlab_arithmetic, T>(x, down);
        };
        const auto rows = [&](const image& x) {
            return width == x.width() ? x : detail::resample_rows<matlab_arithmetic, T>(x, across);
        };
        const bool columns_first = double(height) / in.height() <= double(width) / in.width();
        return columns_first ? rows(columns(in)) : columns(rows(in));
    });
}

} // namespace fovea
