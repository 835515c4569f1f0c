// Activations chosen at run time by their kind: a uniform branch instead of a kernel for every activation.
#pragma once
#include "fovea/backend/cuda/value_kernel.hpp"
#include "fovea/ops/activation.hpp"

namespace fovea {

struct device_activation {
    activation_kind kind = activation_kind::identity;
    float slope = 0; // factor of leaky_relu below zero

    FOVEA_HOST_DEVICE float operator()(float x) const { return formula::activation(kind, slope, x); }
};

// y = f(x).
template <class F> struct activate_values {
    device_view x, y; // (N,H,W,C)
    F f;
    FOVEA_HOST_DEVICE void operator()(pixel_position p, int c) const { y.put(p, c, f(x.get(p, c))); }
};

// An activation that a user adds; its function f must be FOVEA_HOST_DEVICE.
template <class A> struct custom_activation {
    FOVEA_HOST_DEVICE float operator()(float x) const { return A::f(x); }
};

// PReLU: y = x for x > 0, else slope[c] x.
struct rectify_by_slope {
    device_view x, y;   // (N,H,W,C)
    const float* slope; // (C)
    FOVEA_HOST_DEVICE void operator()(pixel_position p, int c) const {
        y.put(p, c, formula::leaky_relu(x.get(p, c), slope[c]));
    }
};

} // namespace fovea
