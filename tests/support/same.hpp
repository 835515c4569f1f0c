#pragma once
#include <cmath>

namespace fovea_test {

// Both are NaN or equal, zeros of either sign being different.
inline bool same(float a, float b) { return (a != a && b != b) || (a == b && std::signbit(a) == std::signbit(b)); }

} // namespace fovea_test
