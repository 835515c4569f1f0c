// The weights of Winograd's convolution: 3x3 filters as planes of products, 36 for tiles of 4x4 pixels, 64 for 6x6,
// transformed in double.
#pragma once
#include "fovea/backend/cpu/register_block.hpp"
#include "fovea/backend/cpu/winograd_transforms.hpp"

namespace fovea::FOVEA_ISA {

// Cut into blocks of output channels: [planes][I][vectors * lanes] each, zeros beyond the last channel.
struct winograd_layout {
    int inputs, outputs;
    int tile = small_tile; // pixels along a side

    int planes() const { return (tile + 2) * (tile + 2); }

    int vectors() const { return (outputs + lanes - 1) / lanes; }
    // As large as registers allow: weights are fetched ahead, so that they need not stay in L1.
    int vectors_of_block(int first) const { return block_vectors(vectors() - first, 1); }
    std::size_t block_floats(int vectors) const {
        return std::size_t(planes()) * std::size_t(inputs) * std::size_t(vectors * lanes);
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
    const winograd_layout l{c.dims[0][1], c.dims[0][0], c.a.tile};
    return sizeof(float) * l.block_floats(l.vectors());
}
template <int M> void pack_winograd_tile(const preparation_call& c) {
    double G[M + 2][3];
    winograd_filter_matrix<M>(G);
    const winograd_layout l{c.dims[0][1], c.dims[0][0], M};
    const float* w = c.weight<float>(0);
    l.each_block([&](int first, int vectors, std::size_t floats) {
        const int width = vectors * lanes;
        for (int i = 0; i < l.inputs; ++i)
            for (int v = 0; v < vectors; ++v) {
                const int output = (first + v) * lanes;
                transform_filters<M>(G, w + 9 * (std::ptrdiff_t(output) * l.inputs + i), 9 * std::ptrdiff_t(l.inputs),
                                     std::min(lanes, l.outputs - output),
                                     static_cast<float*>(c.out) + floats + std::ptrdiff_t(i) * width + v * lanes,
                                     std::ptrdiff_t(l.inputs) * width);
            }
    });
}
inline void pack_winograd(const preparation_call& c) {
    c.a.tile == large_tile ? pack_winograd_tile<large_tile>(c) : pack_winograd_tile<small_tile>(c);
}

} // namespace fovea::FOVEA_ISA
