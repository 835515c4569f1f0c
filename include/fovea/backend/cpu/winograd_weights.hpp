// The weights of Winograd's convolution: 3x3 filters as 36 planes of products, transformed in double.
#pragma once
#include "fovea/backend/cpu/register_block.hpp"
#include "fovea/backend/cpu/winograd_transforms.hpp"

namespace fovea::FOVEA_ISA {

// Cut into blocks of output channels: [36][I][vectors * lanes] each, zeros beyond the last channel.
struct winograd_layout {
    int inputs, outputs;

    int vectors() const { return (outputs + lanes - 1) / lanes; }
    // As large as registers allow: weights are fetched ahead, so that they need not stay in L1.
    int vectors_of_block(int first) const { return block_vectors(vectors() - first, 1); }
    std::size_t block_floats(int vectors) const {
        return std::size_t(winograd_planes) * std::size_t(inputs) * std::size_t(vectors * lanes);
    }
    // f(first vector, vectors, floats before it)
    template <class F> FOVEA_INLINE void each_block(F f) const {
        for (int v = 0, n; v < vectors(); v += n) {
            n = vectors_of_block(v);
            f(v, n, block_floats(v));
        }
    }
};

inline std::size_t packed_winograd_bytes(const preparation_call& c) {
    const winograd_layout l{c.dims[0][1], c.dims[0][0]};
    return sizeof(float) * l.block_floats(l.vectors());
}
inline void pack_winograd(const preparation_call& c) {
    const winograd_layout l{c.dims[0][1], c.dims[0][0]};
    const float* w = c.weight<float>(0);
    l.each_block([&](int first, int vectors, std::size_t floats) {
        const int width = vectors * lanes;
        for (int i = 0; i < l.inputs; ++i)
            for (int o = 0; o < width; ++o) {
                const int output = first * lanes + o;
                double u[winograd_inputs][winograd_inputs] = {};
                if (output < l.outputs) transform_filter(w + 9 * (std::ptrdiff_t(output) * l.inputs + i), u);
                float* out = static_cast<float*>(c.out) + floats + std::ptrdiff_t(i) * width + o;
                for (int plane = 0; plane < winograd_planes; ++plane, out += std::ptrdiff_t(l.inputs) * width)
                    *out = float(u[plane / winograd_inputs][plane % winograd_inputs]);
            }
    });
}

} // namespace fovea::FOVEA_ISA
