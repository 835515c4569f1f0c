// dw of a 3x3 convolution without stride, dilation and groups, in the domain of Winograd's F(4x4,3x3), which takes a
// quarter of the products of the direct sum. With v = B^T d B of a tile's inputs and m = A dy A^T of its gradients,
//
//   du[plane][o][i] = sum over tiles of m[plane][tile][o] v[plane][tile][i]     dg = G^T du G
//
//   x  (N,H,W,I)     dy  (N,H,W,O)     dw  (O,I,3,3), db  (O) or null: +=
//
// The rows of a call begin at a multiple of 4, and end at one or where the image ends. x holds what whole tiles read.
#pragma once
#include "fovea/backend/cpu/weight_gradient.hpp"
#include "fovea/backend/cpu/winograd.hpp"

namespace fovea::FOVEA_ISA {

// Some inputs and outputs are computed at a time, so few that their sums stay in L2.
struct winograd_gradient_layout {
    static constexpr int planes = 36, most = 64;
    int inputs, outputs;              // at a time
    int tiles;                        // of a group
    std::ptrdiff_t in_step, out_step; // floats, from a tile to the next
    std::ptrdiff_t in, out, product;  // of a plane of v, of m, of du
    winograd_gradient_layout(int all_inputs, int all_outputs)
        : inputs(std::min(all_inputs, most)), outputs(std::min(all_outputs, most)) {
        constexpr int cached = 512 << 10; // bytes of v and m
        const auto whole = [](int n) { return (n + lanes - 1) / lanes * lanes; };
        in_step = whole(inputs), out_step = whole(outputs);
        tiles = std::clamp(cached / (planes * int(in_step + out_step) * int(sizeof(float))), 12, 48);
        in = tiles * in_step + line_floats; // one line more keeps the planes off the same sets of the caches
        out = tiles * out_step + line_floats;
        product = outputs * in_step + line_floats;
    }
    std::size_t floats() const { return std::size_t(planes * (in + out + product)); }
};

// m = A dy A^T for one vector of channels of a tile; at(i, j) gives the pixels of dy.
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

// Transforms the channels [first, first + count) of dy in the tile at (y, x). Pixels outside the image count as zeros.
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

// Transforms the channels [first, first + count) of what the tile at (y, left) reads.
inline void read_input_tile(const window& x, int n, int y, int left, int first, int count, float* to,
                            std::ptrdiff_t plane) {
    const float* row[small_tile + 2];
    for (int i = 0; i < small_tile + 2; ++i) row[i] = x.read<float>(n, y - 1 + i, left - 1) + first;
    for (int c = 0; c < count; c += lanes) {
        const int k = std::min(lanes, count - c);
        transform_patch<small_tile>(
            [&](int i, int j) { return load_first(row[i] + std::ptrdiff_t(j) * x.channels + c, k); }, to + c, plane);
    }
}

// dg += G^T du G for one vector of inputs of one output. The planes of du lie `plane` floats apart.
inline void transform_product(const float* du, std::ptrdiff_t plane, const double (&G)[6][3], float* dg, int inputs) {
    vf rows[3][6];
    for (int j = 0; j < 6; ++j)
        for (int x = 0; x < 3; ++x) {
            vf sum = broadcast(0.f);
            for (int i = 0; i < 6; ++i) sum = fma(broadcast(float(G[i][x])), load(du + (i * 6 + j) * plane), sum);
            rows[x][j] = sum;
        }
    alignas(64) float values[9][lanes];
    for (int x = 0; x < 3; ++x)
        for (int y = 0; y < 3; ++y) {
            vf sum = broadcast(0.f);
            for (int j = 0; j < 6; ++j) sum = fma(broadcast(float(G[j][y])), rows[x][j], sum);
            store(values[3 * x + y], sum);
        }
    for (int i = 0; i < inputs; ++i, dg += 9)
        for (int tap = 0; tap < 9; ++tap) dg[tap] += values[tap][i];
}

inline std::size_t winograd_weight_gradient_scratch(const gradient_call& c) {
    return sizeof(float) * winograd_gradient_layout(c.dims[1], c.outputs.size()).floats();
}

inline void winograd_weight_gradient_of(const gradient_call& c, const winograd_gradient_layout& l, range inputs,
                                        range outputs) {
    float *const v = reinterpret_cast<float*>(c.scratch), *const m = v + l.planes * l.in,
                 *const du = m + l.planes * l.out;
    std::fill_n(du, l.planes * l.product, 0.f);
    constexpr int size = small_tile, panel = outer_vectors * lanes;
    const int across = (c.dy.width + size - 1) / size, of_image = across * ((c.rows.size() + size - 1) / size),
              all = of_image * c.images.size(), columns = (inputs.size() + lanes - 1) / lanes * lanes;
    for (int group = 0; group < all; group += l.tiles) {
        const int tiles = std::min(l.tiles, all - group);
        for (int t = 0; t < tiles; ++t) {
            const int n = c.images.begin + (group + t) / of_image, at = (group + t) % of_image,
                      y = c.rows.begin + at / across * size, x = at % across * size;
            read_input_tile(c.x[0], n, y, x, inputs.begin, inputs.size(), v + t * l.in_step, l.in);
            read_gradient_tile(c.dy, n, y, x, outputs.begin, outputs.size(), m + t * l.out_step, l.out);
        }
        for (int plane = 0; plane < l.planes; ++plane)
            for (int i = 0; i < columns; i += panel)
                sum_outer_block({m + plane * l.out, v + plane * l.in + i, l.out_step, l.in_step, tiles}, outputs.size(),
                                std::min(panel, columns - i), du + plane * l.product + i, l.in_step);
    }
    double G[6][3];
    winograd_filter_matrix<small_tile>(G);
    for (int o = 0; o < outputs.size(); ++o)
        for (int i = 0; i < inputs.size(); i += lanes)
            transform_product(
                du + o * l.in_step + i, l.product, G,
                c.weight_gradient<float>(0) + (std::ptrdiff_t(outputs.begin + o) * c.dims[1] + inputs.begin + i) * 9,
                std::min(lanes, inputs.size() - i));
}

inline void winograd_weight_gradient(const gradient_call& c) {
    const winograd_gradient_layout l(c.dims[1], c.outputs.size());
    for (int o = c.outputs.begin; o < c.outputs.end; o += l.outputs)
        for (int i = 0; i < c.dims[1]; i += l.inputs)
            winograd_weight_gradient_of(c, l, {i, std::min(i + l.inputs, c.dims[1])},
                                        {o, std::min(o + l.outputs, c.outputs.end)});
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
