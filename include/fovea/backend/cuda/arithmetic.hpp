// Element-wise sums and products of tensors, and their concatenation along the channels.
#pragma once
#include "fovea/backend/cuda/value_kernel.hpp"

namespace fovea {

struct add_values {
    device_view a, b, y; // (N,H,W,C)
    FOVEA_HOST_DEVICE void operator()(pixel_position p, int c) const { y.put(p, c, a.get(p, c) + b.get(p, c)); }
};

struct multiply_values {
    device_view a, b, y; // (N,H,W,C)
    FOVEA_HOST_DEVICE void operator()(pixel_position p, int c) const { y.put(p, c, a.get(p, c) * b.get(p, c)); }
};

struct concatenate_values {
    device_view a, b, y; // (N,H,W,C), (N,H,W,D), (N,H,W,C+D)
    FOVEA_HOST_DEVICE void operator()(pixel_position p, int c) const {
        const bool first = c < a.channels;
        y.put(p, c, first ? a.get(p, c) : b.get(p, c - a.channels));
    }
};

} // namespace fovea
