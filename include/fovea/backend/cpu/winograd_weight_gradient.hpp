// dw of a 3x3 convolution without stride, dilation and groups, in the domain of Winograd's F(4x4,3x3): with
// u = G g G^T, v = B^T d B and m the transposed output transform of dy,
//
//   du[plane][i][o] = sum over tiles of v[plane][tile][i] m[plane][tile][o],     dg = G^T du G
//
// a quarter of the products of the direct sum.
//
//   x  (N,H,W,I)     dy  (N,H,W,O)     dw  (O,I,3,3), db  (O) or null: +=
//
// Rows of the call begin at a multiple of 4 and end at one or at the image's end; x holds what whole tiles read.
#pragma once
#include "fovea/backend/cpu/weight_gradient.hpp"
#include "fovea/backend/cpu/winograd.hpp"

namespace fovea::FOVEA_ISA {

struct winograd_gradient_layout {
    static constexpr int planes = 36;
    int inputs, vectors, tiles;      // of outputs; of a group
    std::ptrdiff_t in, out, product; // floats: of a plane of v, of m, of du
    winograd_gradient_layout(int inputs_, int outputs) : inputs(inputs_), vectors((outputs + lanes - 1) / lanes) {
        constexpr int cached = 512 << 10; // bytes of v and m
        const int wide = (inputs + lanes - 1) / lanes * lanes;
        tiles = std::clamp(cached / (planes * (wide + vectors * lanes) * int(sizeof(float))), 12, 48);
        in = std::ptrdiff_t(tiles) * wide + line_floats; // a line more keeps the planes off the same sets
        out = std::ptrdiff_t(tiles) * vectors * lanes + line_floats;
        product = std::ptrdiff_t(inputs) * vectors * lanes;
    }
    std::ptrdiff_t input_step() const { return (inputs + lanes - 1) / lanes * lanes; }
    std::size_t floats() const { return std::size_t(planes * (in + out + product)); }
};

// A d A^T of one vector of channels of a tile of dy; at(i, j) gives its pixels.
template <class At> FOVEA_INLINE void transform_gradient_tile(At at, float* to, std::ptrdiff_t plane) {
    using transform = winograd_transform<small_tile>;
    const auto spread = [](const vf(&y)[4], vf(&m)[6]) {
        const auto pair = [&](double p, vf& plus, vf& minus) { // points p and -p
            const vf even = fma(broadcast(float(p * p)), y[2], y[0]);
            const vf odd = fma(broadcast(float(p * p * p)), y[3], broadcast(float(p)) * y[1]);
            plus = even + odd, minus = even - odd;
        };
        m[0] = y[0], m[5] = y[3];
        pair(transform::points[1], m[1], m[2]);
        pair(transform::points[3], m[3], m[4]);
    };
    vf half[6][4];
    FOVEA_UNROLL
    for (int j = 0; j < 4; ++j) {
        vf y[4], m[6];
        FOVEA_UNROLL
        for (int i = 0; i < 4; ++i) y[i] = at(i, j);
        spread(y, m);
        FOVEA_UNROLL
        for (int i = 0; i < 6; ++i) half[i][j] = m[i];
    }
    FOVEA_UNROLL
    for (int i = 0; i < 6; ++i) {
        vf m[6];
        spread(half[i], m);
        FOVEA_UNROLL
        for (int j = 0; j < 6; ++j) store(to + (i * 6 + j) * plane, m[j]);
    }
}

// Channels [first, first + count) of the tile at (y, x); pixels outside the image count as zeros.
inline void read_gradient_tile(const window& dy, int n, int y, int x, int first, int count, float* to,
                               std::ptrdiff_t plane) {
    const bool whole = y + 4 <= dy.height && x + 4 <= dy.width;
    for (int c = 0; c < count; c += lanes) {
        const int k = std::min(lanes, count - c);
        const auto pixel = [&](int i, int j) { return load_first(dy.at<const float>(n, y + i, x + j) + first + c, k); };
        if (whole)
            transform_gradient_tile(pixel, to + c, plane);
        else
            transform_gradient_tile(
                [&](int i, int j) { return y + i < dy.height && x + j < dy.width ? pixel(i, j) : broadcast(0.f); },
                to + c, plane);
    }
}

// dg += G^T du G for one vector of outputs of one input; du: planes `plane` floats apart.
inline void transform_product(const float* du, std::ptrdiff_t plane, const double (&G)[6][3], float* dg,
                              std::ptrdiff_t output_step, int outputs) {
    vf rows[3][6];
    for (int j = 0; j < 6; ++j)
        for (int x = 0; x < 3; ++x) {
            vf sum = broadcast(0.f);
            for (int i = 0; i < 6; ++i) sum = fma(broadcast(float(G[i][x])), load(du + (i * 6 + j) * plane), sum);
            rows[x][j] = sum;
        }
    alignas(64) float values[lanes];
    for (int x = 0; x < 3; ++x)
        for (int y = 0; y < 3; ++y) {
            vf sum = broadcast(0.f);
            for (int j = 0; j < 6; ++j) sum = fma(broadcast(float(G[j][y])), rows[x][j], sum);
            store(values, sum);
            for (int o = 0; o < outputs; ++o) dg[o * output_step + 3 * x + y] += values[o];
        }
}

inline std::size_t winograd_weight_gradient_scratch(const gradient_call& c) {
    return sizeof(float) * winograd_gradient_layout(c.dims[1], c.outputs.size()).floats();
}
inline void winograd_weight_gradient(const gradient_call& c) {
    const winograd_gradient_layout l(c.dims[1], c.outputs.size());
    float *const v = reinterpret_cast<float*>(c.scratch), *const m = v + l.planes * l.in,
                 *const du = m + l.planes * l.out;
    std::fill_n(du, l.planes * l.product, 0.f);
    const std::ptrdiff_t width = std::ptrdiff_t(l.vectors) * lanes;
    for (int n = c.images.begin; n < c.images.end; ++n) {
        const winograd_tiles<small_tile> all(c.x[0], n, c.rows, {0, c.dy.width});
        for (int first = 0; first < all.count(); first += l.tiles) {
            const int tiles = std::min(l.tiles, all.count() - first);
            for (int t = 0; t < tiles; ++t) {
                all.read(first + t, v + t * l.input_step(), l.in);
                read_gradient_tile(c.dy, n, all.y(first + t), all.x(first + t), c.outputs.begin, c.outputs.size(),
                                   m + t * width, l.out);
            }
            for (int plane = 0; plane < l.planes; ++plane)
                each_outer_block(l.vectors, [&](int vector, int vectors) {
                    const outer_terms t{
                        v + plane * l.in, m + plane * l.out + vector * lanes, l.input_step(), width, tiles, lanes};
                    outer_kernel_of(vectors, false)(&t, 1, l.inputs, du + plane * l.product + vector * lanes, width);
                });
        }
    }
    double G[6][3];
    winograd_filter_matrix<small_tile>(G);
    float* dw = c.weight_gradient<float>(0);
    for (int i = 0; i < l.inputs; ++i)
        for (int o = 0; o < c.outputs.size(); o += lanes)
            transform_product(du + i * width + o, l.product, G,
                              dw + (std::ptrdiff_t(c.outputs.begin + o) * l.inputs + i) * 9,
                              std::ptrdiff_t(l.inputs) * 9, std::min(lanes, c.outputs.size() - o));
    sum_bias_gradient(c, c.weight_gradient<float>(1));
}

inline std::size_t convolution_weight_gradient_scratch(const gradient_call& c) {
    return c.a.method == convolution_method::winograd ? winograd_weight_gradient_scratch(c)
                                                      : direct_weight_gradient_scratch(c);
}
inline void convolution_weight_gradient(const gradient_call& c) {
    c.a.method == convolution_method::winograd ? winograd_weight_gradient(c) : direct_weight_gradient(c);
}

} // namespace fovea::FOVEA_ISA
