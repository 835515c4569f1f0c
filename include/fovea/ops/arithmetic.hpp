// Element-wise operations of two inputs, (N,H,W,C) each: add is y = x0 + x1, multiply is y = x0 * x1.
// concatenate joins x0 (N,H,W,C) and x1 (N,H,W,D) along the channels; y (N,H,W,C+D) has those of x0 first.
#pragma once

namespace fovea {

struct add {
    static constexpr bool passes_its_gradient = true;
};
struct multiply {};
struct concatenate {};

} // namespace fovea
