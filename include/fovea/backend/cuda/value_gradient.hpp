// Gradients of element-wise operations: dx from dy at the same pixel.
#pragma once
#include "fovea/backend/cuda/activation.hpp"
#include "fovea/ops/gradient_kernel.hpp"

namespace fovea {

// The gradient of an input, overwritten or added to (`adds`); absent if it is not needed.
struct gradient_target {
    device_view dx; // (N,H,W,C)
    bool adds = false;

    gradient_target(const gradient_call& c, std::size_t k) : dx(c.dx[k]), adds(c.accumulates[k]) {}
    FOVEA_HOST_DEVICE void put(pixel_position p, int c, float value) const {
        dx.put(p, c, adds ? dx.get(p, c) + value : value);
    }
};

// The derivative of device_activation.
struct device_slope {
    activation_kind kind = activation_kind::identity;
    float slope = 0;

    FOVEA_HOST_DEVICE float operator()(float x) const { return formula::activation_derivative(kind, slope, x); }
};
template <class A> struct custom_slope {
    FOVEA_HOST_DEVICE float operator()(float x) const { return A::d(x); }
};

template <class F> struct activate_gradient {
    device_view x, dy; // (N,H,W,C)
    gradient_target to;
    F slope;
    FOVEA_HOST_DEVICE void operator()(pixel_position p, int c) const {
        to.put(p, c, slope(x.get(p, c)) * dy.get(p, c));
    }
};

struct rectify_gradient {
    device_view x, dy;  // (N,H,W,C)
    const float* slope; // (C)
    gradient_target to;
    FOVEA_HOST_DEVICE void operator()(pixel_position p, int c) const {
        const float g = dy.get(p, c);
        to.put(p, c, x.get(p, c) > 0 ? g : slope[c] * g);
    }
};

struct multiply_gradient {
    device_view a, b, dy; // (N,H,W,C)
    gradient_target to_a, to_b;
    FOVEA_HOST_DEVICE void operator()(pixel_position p, int c) const {
        const float g = dy.get(p, c); // read before writing, because dx may be dy
        const float for_a = to_a.dx ? b.get(p, c) * g : 0, for_b = to_b.dx ? a.get(p, c) * g : 0;
        if (to_a.dx) to_a.put(p, c, for_a);
        if (to_b.dx) to_b.put(p, c, for_b);
    }
};

struct concatenate_gradient {
    device_view dy; // (N,H,W,C+D)
    gradient_target to_a, to_b;
    int first; // channels of a
    FOVEA_HOST_DEVICE void operator()(pixel_position p, int c) const {
        const gradient_target& to = c < first ? to_a : to_b;
        if (to.dx) to.put(p, c < first ? c : c - first, dy.get(p, c));
    }
};

} // namespace fovea
