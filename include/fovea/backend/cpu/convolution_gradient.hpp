// dx of a convolution, from dy: a convolution with each filter rotated by 180 degrees and with inputs and outputs
// exchanged. With a stride s the pixels of dx fall into s * s phases; each phase is a convolution with the taps that
// reach its pixels.
//
//   dy  (N,H',W',O)     dx  (N,H,W,I), = or +=     arranged  by pack_convolution_gradient from w (O,I/groups,K,K)
//
// attributes::method and attributes::tile are those of the exchanged convolution.
#pragma once
#include <vector>

#include "fovea/backend/cpu/convolution.hpp"
#include "fovea/backend/cpu/depthwise.hpp"
#include "fovea/backend/cpu/winograd.hpp"
#include "fovea/ops/gradient_kernel.hpp"

namespace fovea::FOVEA_ISA {

// The taps of one axis that reach the pixels of a phase. Tap `first` reads dy at `begin`, tap first - stride at begin +
// 1, and so on.
struct phase_taps {
    int first = 0, count = 0, begin = 0;
    phase_taps(int phase, int kernel, int stride, int offset) {
        const int half = kernel / 2 - offset;
        for (int tap = kernel; tap-- > 0;)
            if ((phase + half - tap) % stride == 0) {
                if (count == 0) first = tap, begin = floor_division(phase + half - tap, stride);
                ++count;
            }
    }
    static int floor_division(int a, int b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }
};

// Where the weights of the phases lie, one phase after the other. A phase has [taps of rows][taps of
// columns][O][vectors * lanes] for each block of dx's channels.
struct phase_layout {
    int outputs, inputs, kernel, stride, offset; // outputs are the channels of dx, inputs those of dy
    std::size_t floats(const phase_taps& rows, const phase_taps& cols) const {
        return std::size_t(rows.count * cols.count * inputs) * std::size_t((outputs + lanes - 1) / lanes * lanes);
    }
    // f(phase of rows, phase of columns, their taps, floats before the weights of this phase); returns all floats
    template <class F> std::size_t each(F f) const {
        std::size_t before = 0;
        for (int v = 0; v < stride; ++v)
            for (int u = 0; u < stride; ++u) {
                const phase_taps rows(v, kernel, stride, offset), cols(u, kernel, stride, offset);
                f(v, u, rows, cols, before);
                before += floats(rows, cols);
            }
        return before;
    }
    // f(first vector, vectors) for the blocks of dx's channels
    template <class F> void each_block(F f) const {
        const int vectors = (outputs + lanes - 1) / lanes;
        for (int v = 0, n; v < vectors; v += n) f(v, n = block_vectors(vectors - v, inputs));
    }
};
inline phase_layout phases_of(const attributes& a, const weight_shape& s) {
    return {s[1], s[0], s[2], a.stride, a.offset};
}

inline void pack_phases(const preparation_call& c) {
    const phase_layout l = phases_of(c.a, c.dims[0]);
    filters f = filters::of(c.a, c.dims[0], c.weight<float>(0)).exchanged();
    f.turned = false;
    l.each_block([&](int first, int vectors) {
        const int width = vectors * lanes;
        std::vector<std::ptrdiff_t> tap_at(std::size_t(f.taps));
        l.each([&](int, int, const phase_taps& rows, const phase_taps& cols, std::size_t before) {
            std::ptrdiff_t at =
                std::ptrdiff_t(before) + std::ptrdiff_t(rows.count) * cols.count * l.inputs * first * lanes;
            for (int i = 0; i < rows.count; ++i)
                for (int j = 0; j < cols.count; ++j, at += std::ptrdiff_t(l.inputs) * width)
                    tap_at[std::size_t((rows.first - i * l.stride) * l.kernel + cols.first - j * l.stride)] = at;
        });
        copy_filters(
            f, first * lanes, width, [&](int tap) { return tap_at[std::size_t(tap)]; }, static_cast<float*>(c.out));
    });
}

inline bool by_phases(const attributes& a) { return a.stride > 1; }
inline preparation_call exchanged_call(const preparation_call& c) {
    preparation_call e = c;
    e.dims[0] = exchanged(c.a, c.dims[0]);
    return e;
}
inline std::size_t packed_convolution_gradient_bytes(const preparation_call& c) {
    if (by_phases(c.a))
        return sizeof(float) *
               phases_of(c.a, c.dims[0]).each([](int, int, const phase_taps&, const phase_taps&, std::size_t) {});
    const preparation_call e = exchanged_call(c);
    return c.a.method == convolution_method::winograd ? packed_winograd_bytes(e) : packed_convolution_bytes(e);
}
inline void pack_convolution_gradient(const preparation_call& c) {
    if (by_phases(c.a)) return pack_phases(c);
    const convolution_layout l = layout_of(c.a, exchanged(c.a, c.dims[0]));
    for (int group = 0; group < l.groups; ++group) {
        const filters f = filters::of(c.a, c.dims[0], c.weight<float>(0), group).exchanged();
        float* out = static_cast<float*>(c.out) + std::size_t(group) * l.group_floats();
        c.a.method == convolution_method::winograd ? pack_winograd_filters(c.a.tile, f, out) : pack_filters(l, f, out);
    }
}

// The forward call that computes dx.
inline call exchanged_call(const gradient_call& c) {
    call e;
    e.a = c.a, e.images = c.images, e.rows = c.rows, e.cols = c.cols;
    e.a.activation = activation_kind::identity, e.a.offset = -c.a.offset;
    e.x = {c.dy, c.accumulates[0] ? c.dx[0] : window{}};
    e.y = c.dx[0], e.w[0] = c.arranged, e.dims = exchanged(c.a, c.dims), e.scratch = c.scratch;
    return e;
}

inline void convolve_phases(const gradient_call& c) {
    const phase_layout l = phases_of(c.a, c.dims);
    const int s = l.stride;
    const epilogue finish = epilogue_of(activation_kind::identity);
    l.each([&](int row_phase, int col_phase, const phase_taps& rows, const phase_taps& cols, std::size_t before) {
        const auto first = [s](int begin, int phase) { return (begin - phase + s - 1) / s; };
        const range down{first(c.rows.begin, row_phase), first(c.rows.end, row_phase)},
            along{first(c.cols.begin, col_phase), first(c.cols.end, col_phase)};
        if (along.empty()) return;
        const float* weights = static_cast<const float*>(c.arranged) + before;
        const auto to = [&](int n, int y, int x, int channel, int channels) {
            float* dx = c.dx[0].at<float>(n, y * s + row_phase, x * s + col_phase) + channel;
            return destination{.y = dx,
                               .pixel_step = std::ptrdiff_t(s) * l.outputs,
                               .vector_step = lanes,
                               .channels = std::min(channels, l.outputs - channel),
                               .bias = nullptr,
                               .skip = c.accumulates[0] ? dx : nullptr,
                               .slope = 0};
        };
        if (l.kernel == 1 && rows.count * cols.count == 1)
            return multiply_pixels(
                convolution_layout{1, l.outputs, l.inputs, 1}, {c.images, down, along}, weights,
                [&](int n, int y, int x) { return c.dy.read<float>(n, y + rows.begin, x + cols.begin); }, c.dy.channels,
                to, finish, reinterpret_cast<float*>(c.scratch));
        terms t{};
        t.rows = rows.count, t.runs = 1, t.length = cols.count * l.inputs, t.pixel_step = l.inputs;
        if (cols.count == 0) t.rows = 0;
        const float* w = weights;
        l.each_block([&](int vector, int vectors) {
            for (int n = c.images.begin; n < c.images.end; ++n)
                for (int y = down.begin; y < down.end; ++y) {
                    for (int i = 0; i < t.rows; ++i) {
                        const int row = y + rows.begin + i; // outside the image lies the row of zeros
                        t.row[i] = c.dy.read<float>(n, row, along.begin + cols.begin);
                    }
                    row_kernel_of(vectors)(t, w, along.size(), to(n, y, along.begin, vector * lanes, vectors * lanes),
                                           finish);
                }
            w += std::ptrdiff_t(t.rows) * t.length * vectors * lanes;
        });
    });
}

inline std::size_t convolution_input_gradient_scratch(const gradient_call& c) {
    if (by_phases(c.a)) return c.dims[2] == 1 ? gathered_pixels(c.dims[0]).bytes() : 0;
    const call e = exchanged_call(c);
    return c.a.method == convolution_method::winograd ? winograd_scratch(e) : convolution_scratch(e);
}
inline void convolution_input_gradient(const gradient_call& c) {
    if (by_phases(c.a)) return convolve_phases(c);
    const call e = exchanged_call(c);
    c.a.method == convolution_method::winograd ? winograd(e) : convolution(e);
}

// dx of a depthwise convolution without stride: the depthwise convolution with rotated filters (C,1,K,K).
inline std::size_t packed_depthwise_gradient_bytes(const preparation_call& c) { return packed_depthwise_bytes(c); }
inline void pack_depthwise_gradient(const preparation_call& c) { pack_depthwise_filters(c, true); }
inline void depthwise_input_gradient(const gradient_call& c) { depthwise(exchanged_call(c)); }

} // namespace fovea::FOVEA_ISA
