// y = x0 + x1 and y = x0 * x1; all (N,H,W,C).
#pragma once

namespace fovea {

struct add {
    static constexpr bool passes_its_gradient = true;
};
struct multiply {};

} // namespace fovea
