// Methods of interpolation between pixels; image/resize_framework.hpp has their formulas.
#pragma once
#include "fovea/core/config.hpp"

namespace fovea {

enum class interpolation { nearest, bilinear, bicubic };

// The cubic convolution kernel (Keys 1981, equation 4, with a for the slope at 1) at distance d of its middle,
// 0 <= d <= 2; it is zero beyond. Always inlined: code of one instruction set must not be shared with another's.
template <class Real> FOVEA_INLINE FOVEA_HOST_DEVICE constexpr Real cubic_weight(Real d, Real a) {
    return d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
}
// a in the upsampling layers of deep-learning frameworks, and in MATLAB and Pillow.
inline constexpr double framework_cubic = -0.75, matlab_cubic = -0.5;

} // namespace fovea
