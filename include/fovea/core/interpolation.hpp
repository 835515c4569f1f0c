// Ways to interpolate between pixels.
#pragma once

namespace fovea {

enum class interpolation { nearest, bilinear, bicubic };

} // namespace fovea
