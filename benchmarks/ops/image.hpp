// Images and weights for benchmarks: memory as kernels want it, with values that cost no more than usual ones.
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <new>

#include "fovea/ops/kernel.hpp"

namespace fovea_bench {

struct release {
    void operator()(float* p) const { ::operator delete(p, std::align_val_t(64)); }
};
using floats = std::unique_ptr<float, release>;
inline floats make_floats(std::size_t count) {
    floats f(static_cast<float*>(::operator new(sizeof(float) * count + 64, std::align_val_t(64))));
    unsigned state = 1; // values of order one: denormals and infinities are slow
    for (std::size_t i = 0; i < count; ++i)
        f.get()[i] = float((state = state * 1664525u + 1013904223u) >> 8) / 3e7f - 0.28f;
    return f;
}

// An image of h x w pixels whose window keeps `border` columns of zeros on each side.
struct image {
    floats data, zeros;
    fovea::window view;
    image(int h, int w, int channels, int border = 0) {
        const std::size_t row = std::size_t((w + 2 * border) * channels);
        data = make_floats(row * std::size_t(h));
        zeros = make_floats(row);
        std::fill_n(zeros.get(), row, 0.f);
        view = {reinterpret_cast<std::byte*>(data.get()),
                reinterpret_cast<const std::byte*>(zeros.get()),
                h,
                w,
                channels,
                -border,
                w + 2 * border,
                h,
                std::ptrdiff_t(row),
                0};
    }
};

// The shapes of the weights of VapSR's attention block (ops/attention_block.hpp): f features, a hidden channels, a first
// projection of k x k.
inline std::array<fovea::weight_shape, fovea::max_weights> attention_weights(int f, int a, int k) {
    return {{{a, f, k, k},
             {a, 1, 1, 1},
             {a, a, 1, 1},
             {a, 1, 1, 1},
             {a, 1, 5, 5},
             {a, 1, 1, 1},
             {a, 1, 5, 5},
             {a, 1, 1, 1},
             {f, a, 1, 1},
             {f, 1, 1, 1},
             {f, 1, 1, 1},
             {f, 1, 1, 1}}};
}

} // namespace fovea_bench
