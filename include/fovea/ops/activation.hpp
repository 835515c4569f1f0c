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

// The activation A as an operation of its own.
template <class A> struct activate {};

// The functions and their derivatives, for every backend that computes numbers one by one. backend/cpu/math.hpp has
// approximations of them for vectors.
namespace formula {

// max(x, 0), and its derivative, 0 at 0.
template <class Real> FOVEA_INLINE FOVEA_HOST_DEVICE Real relu(Real x) { return x < 0 ? 0 : x; }
template <class Real> FOVEA_INLINE FOVEA_HOST_DEVICE Real relu_derivative(Real x) { return x > 0; }

// x for x > 0, else slope x; and its derivative.
template <class Real> FOVEA_INLINE FOVEA_HOST_DEVICE Real leaky_relu(Real x, Real slope) {
    return x > 0 ? x : slope * x;
}
// The derivative of leaky_relu.
template <class Real> FOVEA_INLINE FOVEA_HOST_DEVICE Real leaky_relu_derivative(Real x, Real slope) {
    return x > 0 ? 1 : slope;
}

// 1 / (1 + exp(-x)).
template <class Real> FOVEA_INLINE FOVEA_HOST_DEVICE Real sigmoid(Real x) { return 1 / (1 + std::exp(-x)); }

// x sigmoid(x), and its derivative.
template <class Real> FOVEA_INLINE FOVEA_HOST_DEVICE Real silu(Real x) { return x / (1 + std::exp(-x)); }
template <class Real> FOVEA_INLINE FOVEA_HOST_DEVICE Real silu_derivative(Real x) {
    const Real s = sigmoid(x);
    return s * (1 + x * (1 - s));
}

// 2 Phi(x), where Phi(x) is the probability that a normally distributed number is less than x.
template <class Real> FOVEA_INLINE FOVEA_HOST_DEVICE Real twice_normal_distribution(Real x) {
    return std::erfc(-x * Real(0.70710678118654752440));
}
template <class Real> FOVEA_INLINE FOVEA_HOST_DEVICE Real gelu(Real x) {
    return x * Real(0.5) * twice_normal_distribution(x);
}
template <class Real> FOVEA_INLINE FOVEA_HOST_DEVICE Real gelu_derivative(Real x) {
    return Real(0.5) * twice_normal_distribution(x) + x * std::exp(-x * x / 2) * Real(0.39894228040143267794);
}

// x clamped to [0, 1], and its derivative, 1 at both ends.
template <class Real> FOVEA_INLINE FOVEA_HOST_DEVICE Real unit_range(Real x) { return x < 0 ? 0 : x > 1 ? 1 : x; }
template <class Real> FOVEA_INLINE FOVEA_HOST_DEVICE Real unit_range_derivative(Real x) { return x >= 0 && x <= 1; }

// The activation of a kind, and its derivative; `slope` is leaky_relu's. identity for the kind `custom`.
template <class Real> FOVEA_INLINE FOVEA_HOST_DEVICE Real activation(activation_kind kind, Real slope, Real x) {
    switch (kind) {
        case activation_kind::relu:
            return relu(x);
        case activation_kind::leaky_relu:
            return leaky_relu(x, slope);
        case activation_kind::silu:
            return silu(x);
        case activation_kind::gelu:
            return gelu(x);
        case activation_kind::unit_range:
            return unit_range(x);
        default:
            return x;
    }
}
template <class Real>
FOVEA_INLINE FOVEA_HOST_DEVICE Real activation_derivative(activation_kind kind, Real slope, Real x) {
    switch (kind) {
        case activation_kind::relu:
            return relu_derivative(x);
        case activation_kind::leaky_relu:
            return leaky_relu_derivative(x, slope);
        case activation_kind::silu:
            return silu_derivative(x);
        case activation_kind::gelu:
            return gelu_derivative(x);
        case activation_kind::unit_range:
            return unit_range_derivative(x);
        default:
            return 1;
    }
}

} // namespace formula

// PReLU: y = x for x > 0, else w[c] x; x, y (N,H,W,C), w (C,1,1,1). He et al. 2015, arXiv 1502.01852.
struct parametric_relu {};

// The activation that does nothing.
struct identity {
    static constexpr auto kind = activation_kind::identity;
    static constexpr float slope = 0;
    template <class Real> static Real f(Real x) { return x; }
    template <class Real> static Real d(Real) { return 1; }
};

} // namespace fovea
