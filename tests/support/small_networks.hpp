// The networks of the zoo, a few blocks deep: every operation and channel count of the published ones; and images whose
// sides leave remainders everywhere.
#pragma once
#include "fovea/graph/graph.hpp"
#include "fovea/zoo/realesr.hpp"
#include "fovea/zoo/supercool.hpp"
#include "fovea/zoo/vapsr.hpp"

namespace fovea_test {

using small_supercool = fovea::zoo::supercool<2, 16, 2, 2>;
template <int Scale, int F, int A, int K, int G = 1>
using shallow_vapsr = fovea::zoo::vapsr_network<Scale, F, A, 2, K, G>;

#if FOVEA_SANITIZED
constexpr auto small_sizes = {fovea::extent{1, 19}, fovea::extent{17, 23}};
#else
constexpr auto small_sizes = {fovea::extent{1, 1}, fovea::extent{1, 57}, fovea::extent{57, 1}, fovea::extent{37, 53}};
#endif

} // namespace fovea_test
