// Sizes of images that many tests go through: odd ones, smaller and larger than what kernels compute at once.
#pragma once
#include <utility>

namespace fovea_test {

// Heights and widths. Under sanitizers, where a pixel takes many times as long, the largest is left out: it has no
// border that the others do not have.
inline constexpr std::pair<int, int> odd_sizes[] = {
    {1, 1},   {1, 7}, {5, 3}, {4, 4}, {13, 19},
#if !FOVEA_SANITIZED
    {37, 53},
#endif
};

} // namespace fovea_test
