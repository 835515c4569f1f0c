// y = x0 + x1 and y = x0 * x1; all (N,H,W,C).
#pragma once

namespace fovea {

struct add {};
struct multiply {};

} // namespace fovea
