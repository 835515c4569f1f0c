// The weights of Winograd's convolution: 3x3 filters as planes of products, 36 for tiles of 4x4 pixels, 64 for 6x6,
// transformed in double.
#pragma once
#include "fovea/backend/cpu/filters.hpp"
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
template <int M> void pack_winograd_tile(const filters& f, float* out) {
    double G[M + 2][3];
    winograd_filter_matrix<M>(G);
    const winograd_layout l{f.inputs, f.outputs, M};
    l.each_block([&](int first, int vectors, std::size_t floats) {
        const int width = vectors * lanes;
        for (int v = 0; v < vectors; ++v)
            for (int i = 0; i < l.inputs; ++i)
                transform_filters<M>(G, f, (first + v) * lanes, i,
                                     out + floats + std::ptrdiff_t(i) * width + v * lanes,
                                     std::ptrdiff_t(l.inputs) * width);
    });
}
inline void pack_winograd_filters(int tile, const filters& f, float* out) {
    tile == large_tile ? pack_winograd_tile<large_tile>(f, out) : pack_winograd_tile<small_tile>(f, out);
}
inline void pack_winograd(const preparation_call& c) {
    pack_winograd_filters(c.a.tile, filters::of(c.a, c.dims[0], c.weight<float>(0)), static_cast<float*>(c.out));
}

} // namespace fovea::FOVEA_ISA
