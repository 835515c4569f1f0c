// Epilogues: what happens to the sums of a block on their way to memory, y = act(sums + bias) + skip.
#pragma once
#include <algorithm>
#include <cstddef>

#include "fovea/backend/cpu/math.hpp"
#include "fovea/ops/kernel.hpp"

namespace fovea::FOVEA_ISA {

// Where a row of output pixels goes, for one block of output channels. Steps are in floats.
struct destination {
    float* y;
    std::ptrdiff_t pixel_step;
    std::ptrdiff_t vector_step; // from one vector of channels to the next: `lanes` in NHWC
    int channels;               // of this block, whose last vector may be partly outside
    const float* bias;          // or null
    const float* skip;          // laid out as y in NHWC, or null; may be y itself
    float slope;                // of leaky_relu
};

// Writes the pixels [x, x + pixels) of a row, given sums[pixel][vectors * lanes].
using epilogue = void (*)(const destination&, const float* sums, int vectors, int x, int pixels);

template <activation_kind Kind>
void finish_block(const destination& d, const float* sums, int vectors, int x, int pixels) {
    for (int v = 0; v < vectors; ++v) {
        const int n = std::min(lanes, d.channels - v * lanes);
        const vf bias = d.bias ? load_first(d.bias + v * lanes, n) : broadcast(0.f);
        float* y = d.y + x * d.pixel_step + v * d.vector_step;
        const float* skip = d.skip ? d.skip + x * d.pixel_step + v * lanes : nullptr;
        const float* sum = sums + v * lanes;
        for (int p = 0; p < pixels; ++p, y += d.pixel_step, sum += vectors * lanes) {
            vf value = activated<Kind>(load(sum) + bias, d.slope);
            if (skip) value = rounded(value) + load_first(skip + p * d.pixel_step, n);
            store_first(y, value, n);
        }
    }
}

// Calls f.operator()<Kind>() with the activation as a constant.
template <class F> decltype(auto) with_activation(activation_kind kind, F f) {
    using enum activation_kind;
    switch (kind) {
        case relu:
            return f.template operator()<relu>();
        case leaky_relu:
            return f.template operator()<leaky_relu>();
        case silu:
            return f.template operator()<silu>();
        case gelu:
            return f.template operator()<gelu>();
        case unit_range:
            return f.template operator()<unit_range>();
        default:
            return f.template operator()<identity>();
    }
}

inline epilogue epilogue_of(activation_kind kind) {
    return with_activation(kind, [&]<activation_kind Kind>() -> epilogue { return finish_block<Kind>; });
}

} // namespace fovea::FOVEA_ISA
