// The activation operation: y = f(x), for each number on its own; x, y (N,H,W,C).
//
// An activation A is a type with
//   static constexpr activation_kind kind;   the function that a backend may fuse, or `custom`
//   static constexpr float slope;            factor below zero, read by leaky_relu only
//   template <class Real> static Real f(Real x), d(Real x);   the function and its derivative
#pragma once
#include <cmath>

#include "fovea/ops/kernel.hpp"

namespace fovea {

template <class A> struct activate {};

// PReLU: y = x for x > 0, else w[c] x; x, y (N,H,W,C), w (C,1,1,1). He et al. 2015, arXiv 1502.01852.
struct parametric_relu {};

struct identity {
    static constexpr auto kind = activation_kind::identity;
    static constexpr float slope = 0;
    template <class Real> static Real f(Real x) { return x; }
    template <class Real> static Real d(Real) { return 1; }
};

} // namespace fovea
