// y = act(conv(x, w) + b) + skip (optional) in 8 bits: cross-correlation of any odd kernel and stride, padded with
// zeros, without dilation and groups. VNNI has four times the products of float32 in a cycle.
//
//   x[0]  (N,H,W,I)     x[1]  (N,H',W',O), optional, may be y     y  (N,H',W',O)     all float32
//   w[0]  packed by pack_int8_convolution from (O,I,K,K)          w[1]  (O) or null
//
//   u = clamp(round(x / step) + zero, 0, 255)      step and zero of the whole tensor: attributes::input
//   q = round(w / s),  s = max |w| / 127           s of an output channel; quantised_tap says how q is rounded
//   y = act(step s (sum(u q) - zero sum(q)) + b) + skip
//
// The sums are exact integers while K K I <= max_int8_terms. Zeros outside the image become `zero`, which zero sum(q)
// takes out again. Rows of x are quantised into a ring in scratch, each once in a call. A NaN or an infinity in x makes
// every output that reads it a NaN.
#pragma once
#include <cmath>
#include <cstring>
#include <limits>

#include "fovea/backend/cpu/grouped_rows.hpp"

namespace fovea::FOVEA_ISA {

// What pack_int8_convolution writes: the scale step s of each output channel, its offset -zero sum(q), then the weights
// in the blocks of convolution_layout, where a group of channels takes the place of an input.
struct int8_layout {
    int inputs;
    convolution_layout blocks;

    explicit int8_layout(const weight_shape& dims)
        : inputs(dims[1]), blocks{1, dims[0], (dims[1] + group_channels - 1) / group_channels, dims[2]} {}
    int groups() const { return blocks.inputs; } // of a pixel
    std::size_t padded_outputs() const { return std::size_t(blocks.vectors() * lanes); }
    std::size_t bytes() const { return 4 * (2 * padded_outputs() + blocks.group_floats()); }

    template <class Byte> auto* scales(Byte* packed) const { return pointer<float>(packed, 0); }
    template <class Byte> auto* offsets(Byte* packed) const { return pointer<std::int32_t>(packed, padded_outputs()); }
    template <class Byte> auto* weights(Byte* packed) const {
        return pointer<std::int32_t>(packed, 2 * padded_outputs());
    }

  private:
    template <class T> static T* pointer(void* packed, std::size_t at) { return static_cast<T*>(packed) + at; }
    template <class T> static const T* pointer(const void* packed, std::size_t at) {
        return static_cast<const T*>(packed) + at;
    }
};

inline std::size_t packed_int8_convolution_bytes(const preparation_call& c) { return int8_layout(c.dims[0]).bytes(); }

inline float largest_of(const float* w, int count) {
    float most = 0;
    for (int i = 0; i < count; ++i) most = std::max(most, std::fabs(w[i]));
    return most;
}
// The quantised tap `tap` of the filter of one input. Its rounding makes up for the rounding errors of the taps before
// it: neighbouring pixels of a picture have similar values, so that the sum of a filter matters more than each tap.
inline int quantised_tap(const float* filter, float most, int tap) {
    if (!(most > 0)) return 0;
    double carried = 0;
    int q = 0;
    for (int i = 0; i <= tap; ++i) {
        const double exact = 127 * (double(filter[i]) / double(most)) + carried;
        q = int(std::lrint(std::min(std::max(exact, -127.), 127.)));
        carried = exact - q;
    }
    return q;
}

inline void pack_int8_convolution(const preparation_call& c) {
    const int8_layout l(c.dims[0]);
    const int taps = l.blocks.kernel * l.blocks.kernel, each = l.inputs * taps, outputs = l.blocks.outputs;
    float* scale = l.scales(c.out); // at first the largest weight of each output channel
    std::int32_t *offset = l.offsets(c.out), *out = l.weights(c.out);
    for (int o = 0; o < int(l.padded_outputs()); ++o) {
        scale[o] = o < outputs ? largest_of(c.weight<float>(0) + std::ptrdiff_t(o) * each, each) : 0.f;
        offset[o] = 0;
    }
    const auto value = [&](int o, int i, int tap) {
        if (o >= outputs || i >= l.inputs) return 0;
        const float* filter = c.weight<float>(0) + (std::ptrdiff_t(o) * l.inputs + i) * taps;
        const int q = quantised_tap(filter, scale[o], tap);
        offset[o] -= c.a.input.zero * q;
        return q;
    };
    l.blocks.each_block([&](int first, int vectors, std::size_t) {
        for (int tap = 0; tap < taps; ++tap)
            for (int g = 0; g < l.groups(); ++g)
                for (int o = first * lanes; o < (first + vectors) * lanes; ++o, ++out) {
                    quantised_weight group[group_channels];
                    for (int i = 0; i < group_channels; ++i)
                        group[i] = quantised_weight(value(o, g * group_channels + i, tap));
                    std::memcpy(out, group, sizeof *out);
                }
    });
    for (int o = 0; o < outputs; ++o) scale[o] *= c.a.input.step / 127;
}

// Quantises `count` floats; returns whether all are finite.
inline bool quantise(const float* x, std::ptrdiff_t count, const quantisation& by, quantised* out) {
    const vf inverse = broadcast(1 / by.step), low = broadcast(-float(by.zero)), high = broadcast(255 - float(by.zero));
    const vf magic =
        broadcast(12582912.f + float(by.zero)); // 1.5 2^23: a sum with it is rounded to an integer, in its low bits
    vf checked = broadcast(0.f);
    const auto part = [&](vf v, int n) {
        checked = fma(v, broadcast(0.f), checked); // becomes NaN at the first value that is not finite
        store_low_bits(out, at_most(at_least(v * inverse, low), high) + magic, n);
    };
    for (; count >= lanes; count -= lanes, x += lanes, out += lanes) part(load(x), lanes);
    if (count > 0) part(load_part(x, int(count)), int(count));
    alignas(64) float sums[lanes];
    store(sums, checked);
    float sum = 0;
    for (float s : sums) sum += s;
    return sum == 0;
}

// Quantises a row of x into groups of channels; returns whether all numbers are finite.
inline bool quantise_row(const call& c, const int8_layout& l, const grouped_rows& in, int row, std::int32_t* groups) {
    const float* x = c.x[0].read<float>(in.image(), row, in.left());
    quantised* out = reinterpret_cast<quantised*>(groups);
    if (l.inputs % group_channels == 0) return quantise(x, std::ptrdiff_t(in.columns()) * l.inputs, c.a.input, out);
    bool finite = true;
    for (int i = 0; i < in.columns(); ++i, x += l.inputs, out += l.groups() * group_channels) {
        std::fill_n(out + (l.groups() - 1) * group_channels, group_channels, quantised{0});
        finite &= quantise(x, l.inputs, c.a.input, out);
    }
    return finite;
}

inline std::size_t int8_convolution_scratch(const call& c) { return grouped_rows_bytes(c, int8_layout(c.dims).blocks); }

// Computes a row of outputs for NV vectors of channels, the first being `channel`.
template <int NV>
void int8_row(const terms_of<std::int32_t>& t, const call& c, const int8_layout& l, int channel, const std::int32_t* w,
              int pixels, const destination& to, epilogue finish) {
    const std::int32_t* offset = l.offsets(c.w[0]) + channel;
    const float* scale = l.scales(c.w[0]) + channel;
    alignas(64) std::int32_t sums[max_block_sums];
    alignas(64) float values[max_block_sums];
    each_pixel_block<NV>(pixels, [&](auto size, int from, int x) {
        sum_block<NV, size(), fetch_operands, to_sums<NV, std::int32_t>>(t, from * t.pixel_step, w, sums);
        for (int v = 0; v < NV; ++v) {
            const vi add = load(offset + v * lanes);
            const vf by = load(scale + v * lanes);
            for (int at = v * lanes; at < size() * NV * lanes; at += NV * lanes)
                store(values + at, as_floats(load(sums + at) + add) * by);
        }
        finish(to, values + (x - from) * NV * lanes, NV, x, from + size() - x);
    });
}
using int8_row_kernel = void (*)(const terms_of<std::int32_t>&, const call&, const int8_layout&, int,
                                 const std::int32_t*, int, const destination&, epilogue);
inline int8_row_kernel int8_row_of(int vectors) {
    if constexpr (max_block_vectors == 4)
        if (vectors == 4) return int8_row<4>;
    return vectors == 3 ? int8_row<3> : vectors == 2 ? int8_row<2> : int8_row<1>;
}

// Writes NaN to the outputs of row y that read a value that is not finite.
inline void spread_not_finite(const call& c, int n, int y, range cols) {
    const int k = c.a.kernel, half = k / 2;
    for (int x = cols.begin; x < cols.end; ++x) {
        bool finite = true;
        for (int i = 0; i < k; ++i) {
            const float* in = c.x[0].read<float>(n, y * c.a.stride + i - half, x * c.a.stride - half);
            for (int j = 0; j < k * c.x[0].channels; ++j) finite &= bool(std::isfinite(in[j]));
        }
        if (!finite) std::fill_n(c.y.at<float>(n, y, x), c.y.channels, std::numeric_limits<float>::quiet_NaN());
    }
}

inline void int8_convolution(const call& c) {
    if (c.rows.empty() || c.cols.empty()) return;
    const int8_layout l(c.dims);
    assert(l.blocks.kernel <= max_kernel && c.a.dilation == 1 && c.a.groups == 1);
    const epilogue finish = epilogue_of(c.a.activation);
    const int strip = grouped_strip(c, l.blocks);
    for (int n = c.images.begin; n < c.images.end; ++n)
        for (int x = c.cols.begin; x < c.cols.end; x += strip) {
            const int pixels = std::min(strip, c.cols.end - x);
            grouped_rows in(c, l.blocks, n, x, pixels, c.scratch);
            bool finite[max_kernel]; // of each row in the ring
            for (int y = c.rows.begin; y < c.rows.end; ++y) {
                const auto t = in.reach(y, [&](int row, std::int32_t* groups) {
                    finite[in.slot(row)] = quantise_row(c, l, in, row, groups);
                });
                l.blocks.each_block([&](int first, int vectors, std::size_t at) {
                    const int channel = first * lanes;
                    int8_row_of(vectors)(t, c, l, channel, l.weights(c.w[0]) + at, pixels,
                                         convolution_destination(c, l.blocks, n, y, x, channel, vectors * lanes),
                                         finish);
                });
                if (!std::all_of(finite, finite + l.blocks.kernel, [](bool f) { return f; }))
                    spread_not_finite(c, n, y, {x, x + pixels});
            }
        }
}

} // namespace fovea::FOVEA_ISA
