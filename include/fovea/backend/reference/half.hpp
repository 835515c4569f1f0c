// Conversion between 16-bit numbers and float32, one by one.
#pragma once
#include "fovea/backend/reference/backend.hpp"

namespace fovea {

inline void widen(reference, number_format f, const std::uint16_t* from, float* to, std::ptrdiff_t count) {
    for (std::ptrdiff_t i = 0; i < count; ++i) to[i] = float_from_16_bits(f, from[i]);
}
inline void narrow(reference, number_format f, const float* from, std::uint16_t* to, std::ptrdiff_t count) {
    for (std::ptrdiff_t i = 0; i < count; ++i) to[i] = float_to_16_bits(f, from[i]);
}

} // namespace fovea
