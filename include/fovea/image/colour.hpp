// Luma of ITU-R BT.601 in studio range, the channel on which super-resolution is measured:
//
//   Y = 16 + (65.481 R + 128.553 G + 24.966 B) / 255,   R, G, B in 0..255;   Y in 16..235, not rounded
#pragma once
#include "fovea/core/config.hpp"

namespace fovea {

// Returns Y in 16..235 for r, g, b in 0..255.
FOVEA_HOST_DEVICE constexpr double luma_bt601(double r, double g, double b) {
    return 16 + (65.481 * r + 128.553 * g + 24.966 * b) / 255;
}

} // namespace fovea
