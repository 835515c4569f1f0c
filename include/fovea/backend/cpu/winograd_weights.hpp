// The weights of Winograd's convolution: 3x3 filters, transformed in double into planes, of which tiles of 4x4 pixels
// have 36 and tiles of 6x6 pixels 64.
#pragma once
#include "fovea/backend/cpu/filters.hpp"
#include "fovea/backend/cpu/register_block.hpp"
#include "fovea/backend/cpu/winograd_transforms.hpp"

namespace fovea::FOVEA_ISA {

// How they lie: in blocks of output channels, each [planes][I][vectors * lanes], with zeros beyond the last channel.
struct winograd_layout {
    int inputs, outputs;
    int tile = small_tile; // pixels along a side

    int planes() const { return (tile + 2) * (tile + 2); }

    int vectors() const { return (outputs + lanes - 1) / lanes; }
    // Blocks are as large as the registers allow. Weights are prefetched, so that they need not stay in L1.
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
// Filters pass through a buffer [9][inputs][width] in L1, so that both w and the planes are walked through in runs.
template <int M> void pack_winograd_tile(const filters& f, float* out) {
    constexpr int some = 4;                 // inputs at a time
    constexpr std::size_t cached = 1 << 20; // floats
    double G[M + 2][3];
    winograd_filter_matrix<M>(G);
    const winograd_layout l{f.inputs, f.outputs, M};
    const bool past = l.block_floats(l.vectors()) > cached;
    l.each_block([&](int first, int vectors, std::size_t floats) {
        const int width = vectors * lanes;
        const std::ptrdiff_t plane = std::ptrdiff_t(l.inputs) * width;
        alignas(64) float g[9 * some * max_block_vectors * lanes], u[(M + 2) * (M + 2) * lanes];
        for (int begin = 0; begin < l.inputs; begin += some) {
            filters part = f;
            part.w += begin * f.input_step, part.inputs = std::min(some, l.inputs - begin);
            copy_filters(
                part, first * lanes, width, [=](int tap) { return tap * some * width; }, g);
            for (int v = 0; v < part.inputs * width; v += lanes) {
                float* to = out + floats + std::ptrdiff_t(begin) * width + v;
                transform_filters<M>(G, g + v, some * width, u);
                for (int p = 0; p < l.planes(); ++p) {
                    const vf values = load(u + p * lanes);
                    past ? store_past(to + p * plane, values) : store(to + p * plane, values);
                }
            }
        }
    });
    stored_past();
}
inline void pack_winograd_filters(int tile, const filters& f, float* out) {
    tile == large_tile ? pack_winograd_tile<large_tile>(f, out) : pack_winograd_tile<small_tile>(f, out);
}
inline void pack_winograd(const preparation_call& c) {
    pack_winograd_filters(c.a.tile, filters::of(c.a, c.dims[0], c.weight<float>(0)), static_cast<float*>(c.out));
}

} // namespace fovea::FOVEA_ISA
