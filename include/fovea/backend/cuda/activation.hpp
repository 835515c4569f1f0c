// Activations chosen at run time by their kind: a uniform branch instead of a kernel for every activation.
#pragma once
#include <cmath>

#include "fovea/backend/cuda/value_kernel.hpp"
#include "fovea/ops/activation.hpp"

namespace fovea {

struct device_activation {
    activation_kind kind = activation_kind::identity;
    float slope = 0; // factor of leaky_relu below zero

    FOVEA_HOST_DEVICE float operator()(float x) const {
        switch (kind) {
            case activation_kind::relu:
                return x < 0 ? 0 : x;
            case activation_kind::leaky_relu:
                return x > 0 ? x : slope * x;
            case activation_kind::silu:
                return x / (1 + expf(-x));
            case activation_kind::gelu:
                return x * 0.5f * erfcf(-x * 0.70710678118654752440f);
            case activation_kind::unit_range:
                return x < 0 ? 0 : x > 1 ? 1 : x;
            default:
                return x;
        }
    }
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
        const float v = x.get(p, c);
        y.put(p, c, v > 0 ? v : slope[c] * v);
    }
};

} // namespace fovea
