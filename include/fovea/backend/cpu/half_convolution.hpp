// y = act(conv(x, w) + b) + skip (optional) in half precision: cross-correlation of any odd kernel and stride, padded
// with zeros, without dilation and groups. AVX512-FP16 has twice the products of float32 in a cycle.
//
//   x[0]  (N,H,W,I)     x[1]  (N,H',W',O), optional, may be y     y  (N,H',W',O)     float32 or half precision
//   w[0]  packed by pack_half_convolution from (O,I,K,K)          w[1]  (O) float32, or null
//
// Products are summed as half_products.hpp says; what follows the sums is float32. A number beyond 65504 in x becomes
// an infinity, and every output that reads it is infinite or NaN.
#pragma once
#include "fovea/backend/cpu/grouped_rows.hpp"
#include "fovea/backend/cpu/half_products.hpp"
#include "fovea/backend/cpu/kernel_list.hpp"
#include "fovea/ops/float_rows.hpp"

namespace fovea::FOVEA_ISA {

inline convolution_layout half_layout(const weight_shape& dims) { return half_layout(dims[0], dims[1], dims[2]); }

inline std::size_t packed_half_convolution_bytes(const preparation_call& c) {
    return sizeof(std::int32_t) * half_layout(c.dims[0]).group_floats();
}
inline void pack_half_convolution(const preparation_call& c) {
    pack_half_filters(half_layout(c.dims[0]), c.dims[0], c.weight<float>(0), static_cast<std::int32_t*>(c.out));
}

// What a strip keeps in scratch: the ring of rows of x, and a float32 row each of y and of the skip where these are in
// 16 bits.
struct half_scratch {
    std::size_t ring, row, all; // bytes
    half_scratch(const call& c, const convolution_layout& l) {
        const auto aligned = [](std::size_t bytes) { return (bytes + 63) / 64 * 64; };
        const int strip = grouped_strip(c, l);
        ring = aligned(grouped_rows_bytes(c, l)), row = aligned(float_rows::bytes(c.y, strip, 1));
        all = ring + row + float_rows::bytes(c.x[1], strip, 1);
    }
};
inline std::size_t half_convolution_scratch(const call& c) { return half_scratch(c, half_layout(c.dims)).all; }

inline void convolve_halves(const call& c) {
    if (c.rows.empty() || c.cols.empty()) return;
    const convolution_layout l = half_layout(c.dims);
    assert(l.kernel <= max_kernel && c.a.dilation == 1 && c.a.groups == 1 && c.a.offset == 0);
    const epilogue finish = epilogue_of(c.a.activation);
    const half_scratch memory(c, l);
    const int strip = grouped_strip(c, l);
    for (int n = c.images.begin; n < c.images.end; ++n)
        for (int x = c.cols.begin; x < c.cols.end; x += strip) {
            const int pixels = std::min(strip, c.cols.end - x);
            grouped_rows in(c, l, n, x, pixels, c.scratch);
            const float_rows out(c.y, {x, x + pixels}, 1, c.scratch + memory.ring);
            float_rows skip(c.x[1], {x, x + pixels}, 1, c.scratch + memory.ring + memory.row);
            call floats = c;
            floats.y = out.view(), floats.x[1] = skip.view();
            for (int y = c.rows.begin; y < c.rows.end; ++y) {
                const auto t = in.reach(y, [&](int row, std::int32_t* to) {
                    pack_half_pixels(c.x[0], n, row, in.left(), in.columns(), to);
                });
                skip.fetch(widen, n, {y, y + 1}, true);
                l.each_block([&](int first, int vectors, std::size_t at) {
                    half_row_kernel_of(vectors)(
                        t, c.weight<std::int32_t>(0) + at, pixels,
                        convolution_destination(floats, l, n, y, x, first * lanes, vectors * lanes), finish);
                });
                out.put(narrow, n, {y, y + 1});
            }
        }
}

// Null pointers in an instruction set that does not multiply in half precision.
inline constexpr convolution_kernels half_convolution = [] {
    convolution_kernels k;
    if constexpr (multiplies_halves)
        k = {.scratch = half_convolution_scratch,
             .run = convolve_halves,
             .packed_bytes = packed_half_convolution_bytes,
             .pack = pack_half_convolution};
    return k;
}();

} // namespace fovea::FOVEA_ISA
