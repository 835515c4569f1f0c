// Resizing as the upsampling layers of deep-learning frameworks do it (half-pixel centres, align_corners=False):
//
//   s = input size / output size; output i (from 0) lies at u = (i + 0.5) s - 0.5 of the input (from 0)
//   bicubic    four taps around u, Keys' kernel with a = -0.75
//   bilinear   two taps around max(u, 0)
//   nearest    pixel floor(i s)
//
// There is no antialiasing, even when shrinking. The border is replicated. Bicubic results are not clamped to 0..1.
#pragma once
#include <algorithm>
#include <cmath>

#include "fovea/core/interpolation.hpp"
#include "fovea/image/resize_matlab.hpp"
#include "fovea/image/taps.hpp"

namespace fovea {

namespace detail {

struct float_arithmetic {
    using accumulator = float;
    static constexpr float start = 0;
    template <class T> static T finish(float sum) { return T(sum); }
};

inline tap_table<float> framework_taps(interpolation kind, int inputs, int outputs) {
    const double s = double(inputs) / outputs;
    const int taps = kind == interpolation::bicubic ? 4 : kind == interpolation::bilinear ? 2 : 1;
    tap_table<float> table(outputs, taps);
    for (int i = 0; i < outputs; ++i) {
        double u = (i + 0.5) * s - 0.5;
        if (kind == interpolation::bilinear) u = std::max(u, 0.);
        if (kind == interpolation::nearest) u = std::floor(i * s);
        const int first = int(std::floor(u)) - (kind == interpolation::bicubic ? 1 : 0);
        for (int k = 0; k < taps; ++k) {
            const double t = u - first - k;
            const double weight = kind == interpolation::bicubic ? keys_kernel(t, framework_cubic) : 1 - std::abs(t);
            table.weight[table.at(i, k)] = float(weight);
            table.index[table.at(i, k)] = std::clamp(first + k, 0, inputs - 1);
        }
    }
    return table;
}

} // namespace detail

// Resizes an image (H,W,C), f32, to (height,width,C), f32. Throws if a size is not positive, the image is empty, or its
// samples are not floats.
inline image resize_framework(const image& in, int height, int width, interpolation kind = interpolation::bicubic) {
    detail::check_target_size("resize_framework", in, height, width);
    if (in.type() != sample_type::f32) fail("resize_framework: integer samples, expected float: see with_type");
    const auto across = detail::framework_taps(kind, in.width(), width);
    const auto down = detail::framework_taps(kind, in.height(), height);
    return detail::resample_columns<detail::float_arithmetic, float>(
        detail::resample_rows<detail::float_arithmetic, float>(in, across), down);
}

} // namespace fovea
