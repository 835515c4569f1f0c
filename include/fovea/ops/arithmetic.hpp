// y = x0 + x1 and y = x0 * x1; all (N,H,W,C). concatenate: y (N,H,W,C+D) holds the channels of x0 (N,H,W,C), then those
// of x1 (N,H,W,D).
#pragma once

namespace fovea {

struct add {
    static constexpr bool passes_its_gradient = true;
};
struct multiply {};
struct concatenate {};

} // namespace fovea
