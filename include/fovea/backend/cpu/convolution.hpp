// y = act(conv(x, w) + b) + skip (optional): cross-correlation of any odd kernel, stride, dilation and groups, padded
// with zeros (attributes::offset), as a direct sum in register blocks. winograd.hpp computes 3x3 kernels another way.
//
//   x[0]  (N,H,W,I)     x[1]  (N,H',W',O), optional, may be y     y  (N,H',W',O)
//   w[0]  packed by pack_convolution from (O,I/groups,K,K)        w[1]  (O) or null
#pragma once
#include <cassert>

#include "fovea/backend/cpu/filters.hpp"
#include "fovea/backend/cpu/joined_rows.hpp"
#include "fovea/backend/cpu/pixel_product.hpp"

namespace fovea::FOVEA_ISA {

// How the weights of one group are cut into blocks of output channels. The weights of a block lie together as
// [K][K][inputs][vectors * lanes], the order in which sum_block walks through them, with zeros beyond the last channel.
struct convolution_layout {
    int groups, outputs, inputs, kernel; // outputs and inputs of one group

    int vectors() const { return (outputs + lanes - 1) / lanes; }
    int terms_per_output() const { return kernel * kernel * inputs; }
    std::size_t group_floats() const { return std::size_t(terms_per_output()) * std::size_t(vectors() * lanes); }
    // f(first vector, vectors, floats before it in the group)
    template <class F> FOVEA_INLINE void each_block(F f) const {
        for (int v = 0, n; v < vectors(); v += n) {
            n = block_vectors(vectors() - v, terms_per_output());
            f(v, n, std::size_t(terms_per_output()) * std::size_t(v * lanes));
        }
    }
};
inline convolution_layout layout_of(const attributes& a, const weight_shape& dims) {
    return {a.groups, dims[0] / a.groups, dims[1], dims[2]};
}

inline void pack_filters(const convolution_layout& l, const filters& f, float* out) {
    l.each_block([&](int first, int vectors, std::size_t floats) {
        const std::ptrdiff_t tap_step = std::ptrdiff_t(l.inputs) * vectors * lanes;
        copy_filters(
            f, first * lanes, vectors * lanes, [=](int tap) { return tap * tap_step; }, out + floats);
    });
}

inline std::size_t packed_convolution_bytes(const preparation_call& c) {
    const convolution_layout l = layout_of(c.a, c.dims[0]);
    return sizeof(float) * l.group_floats() * std::size_t(l.groups);
}
inline void pack_convolution(const preparation_call& c) {
    const convolution_layout l = layout_of(c.a, c.dims[0]);
    for (int group = 0; group < l.groups; ++group)
        pack_filters(l, filters::of(c.a, c.dims[0], c.weight<float>(0), group),
                     static_cast<float*>(c.out) + std::size_t(group) * l.group_floats());
}

// The terms of output row y, whose first column is c.cols.begin + x, for one group. Without dilation and groups a
// kernel row is a single run.
inline terms convolution_terms(const call& c, const convolution_layout& l, int n, int y, int x, int group) {
    const window& in = c.x[0];
    const attributes& a = c.a;
    const int half = l.kernel / 2, left = x * a.stride + a.offset - half * a.dilation;
    const bool single = a.dilation == 1 && l.groups == 1;
    terms t;
    t.rows = l.kernel;
    t.runs = single ? 1 : l.kernel;
    t.length = single ? l.kernel * l.inputs : l.inputs;
    t.run_step = std::ptrdiff_t(a.dilation) * in.channels;
    t.pixel_step = std::ptrdiff_t(a.stride) * in.channels;
    for (int i = 0; i < l.kernel; ++i)
        t.row[i] = in.read<float>(n, y * a.stride + a.offset + (i - half) * a.dilation, left) + group * l.inputs;
    return t;
}

inline destination convolution_destination(const call& c, const convolution_layout& l, int n, int y, int x, int channel,
                                           int channels) {
    const float* bias = c.weight<float>(1);
    return {.y = c.y.at<float>(n, y, x) + channel,
            .pixel_step = c.y.channels,
            .vector_step = lanes,
            .channels = std::min(channels, l.outputs - channel % l.outputs),
            .bias = bias ? bias + channel : nullptr,
            .skip = c.x[1] ? c.x[1].at<const float>(n, y, x) + channel : nullptr,
            .slope = c.a.slope};
}

// Whether a call of a 1x1 convolution may take all its rows as a single one, so that blocks of pixels are full in
// narrow images, too.
inline bool joins_rows(const call& c) {
    const auto joins = [&](const window& w) {
        return !w || (is_dense(w) && c.rows.begin % w.stored + c.rows.size() <= w.stored);
    };
    return c.a.kernel == 1 && c.a.stride == 1 && c.rows.size() > 1 && c.cols == range{0, c.y.width} && joins(c.x[0]) &&
           joins(c.x[1]) && joins(c.y);
}
inline call with_joined_rows(call c) {
    for (auto& x : c.x) x = joined_rows(x, c.rows);
    c.y = joined_rows(c.y, c.rows);
    c.rows = {0, 1}, c.cols = {0, c.y.width};
    return c;
}

// Whether a call of a 1x1 convolution copies its pixels side by side first: rows are short, or pixels lie a multiple of
// 2 KB apart, where all of them compete for a few sets of L1.
inline bool gathers_pixels(const call& c) {
    const std::size_t step = sizeof(float) * std::size_t(c.a.stride * c.x[0].channels);
    return c.a.kernel == 1 && c.a.groups == 1 && (step % 2048 == 0 || (c.cols.size() <= 16 && !joins_rows(c)));
}
inline std::size_t convolution_scratch(const call& c) {
    return gathers_pixels(c) ? gathered_pixels(c.dims[1]).bytes() : 0;
}
inline void convolve_gathered_pixels(const call& c) {
    const convolution_layout l = layout_of(c.a, c.dims);
    const int s = c.a.stride, offset = c.a.offset;
    multiply_pixels(
        l, {c.images, c.rows, c.cols}, c.weight<float>(0),
        [&](int n, int y, int x) { return c.x[0].read<float>(n, y * s + offset, x * s + offset); },
        std::ptrdiff_t(s) * c.x[0].channels,
        [&](int n, int y, int x, int channel, int channels) {
            return convolution_destination(c, l, n, y, x, channel, channels);
        },
        epilogue_of(c.a.activation), reinterpret_cast<float*>(c.scratch));
}

inline void convolution(const call& given) {
    if (gathers_pixels(given)) return convolve_gathered_pixels(given);
    const call c = joins_rows(given) ? with_joined_rows(given) : given;
    const convolution_layout l = layout_of(c.a, c.dims);
    assert(l.kernel <= max_kernel);
    const epilogue finish = epilogue_of(c.a.activation);

    // Columns are cut into strips, so that the rows that a kernel reads stay in L2 until the next row of outputs. In a
    // strip a row is computed for all output channels before the next one. Where the weights would push the rows out of
    // L2, as many rows as fit are computed for one block of channels instead.
    constexpr std::size_t row_bytes = 384 << 10, weight_bytes = 512 << 10, band_bytes = 1 << 20;
    constexpr int grain = 168; // a multiple of every block's pixels
    const std::size_t pixel_bytes = sizeof(float) * std::size_t(c.a.stride * c.x[0].channels);
    const int strip = std::max(1, int(row_bytes / (pixel_bytes * std::size_t(l.kernel))) / grain) * grain;
    const int fitting = int(band_bytes / (pixel_bytes * std::size_t(strip))) - l.kernel + 1;
    const int band = sizeof(float) * l.group_floats() <= weight_bytes ? 1 : std::max(4, fitting);

    for (int n = c.images.begin; n < c.images.end; ++n)
        for (int group = 0; group < l.groups; ++group)
            for (int x = c.cols.begin; x < c.cols.end; x += strip)
                for (int top = c.rows.begin; top < c.rows.end; top += band)
                    l.each_block([&](int first, int vectors, std::size_t floats) {
                        const float* w = c.weight<float>(0) + std::size_t(group) * l.group_floats() + floats;
                        const row_kernel row = row_kernel_of(vectors);
                        for (int y = top; y < std::min(top + band, c.rows.end); ++y)
                            row(convolution_terms(c, l, n, y, x, group), w, std::min(strip, c.cols.end - x),
                                convolution_destination(c, l, n, y, x, group * l.outputs + first * lanes,
                                                        vectors * lanes),
                                finish);
                    });
}

} // namespace fovea::FOVEA_ISA
