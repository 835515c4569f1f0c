// Methods of interpolation between pixels; image/resize_framework.hpp has their formulas.
#pragma once

namespace fovea {

enum class interpolation { nearest, bilinear, bicubic };

} // namespace fovea
