// Sums and products of tensors, and their channels side by side.
#pragma once
#include "fovea/backend/cuda/value_kernel.hpp"

namespace fovea {

struct add_values {
    device_view a, b, y; // (N,H,W,C)
    FOVEA_HOST_DEVICE void operator()(pixel_position p, int c) const {
        y.at(p.image, p.row, p.column)[c] = a.at(p.image, p.row, p.column)[c] + b.at(p.image, p.row, p.column)[c];
    }
};

struct multiply_values {
    device_view a, b, y; // (N,H,W,C)
    FOVEA_HOST_DEVICE void operator()(pixel_position p, int c) const {
        y.at(p.image, p.row, p.column)[c] = a.at(p.image, p.row, p.column)[c] * b.at(p.image, p.row, p.column)[c];
    }
};

struct concatenate_values {
    device_view a, b, y; // (N,H,W,C), (N,H,W,D), (N,H,W,C+D)
    FOVEA_HOST_DEVICE void operator()(pixel_position p, int c) const {
        const bool first = c < a.channels;
        y.at(p.image, p.row, p.column)[c] =
            first ? a.at(p.image, p.row, p.column)[c] : b.at(p.image, p.row, p.column)[c - a.channels];
    }
};

} // namespace fovea
