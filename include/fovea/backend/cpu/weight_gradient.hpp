// dw and db of a convolution as direct sums: dw[o][i][tap] += sum over pixels of dy[p][o] x[p stride + tap][i].
//
//   x  (N,H,W,I)     dy  (N,H',W',O)     dw  (O,I/groups,K,K), db  (O) or null: +=
//
// This is a matrix product over pixels. Some pixels at a time, dy and what the taps read of x are copied side by side,
// so that the inner loop knows nothing of rows, images, strides and borders. A column of the product is a pair (tap,
// input), in the order in which they lie in an image. With a single tap the sums are dw itself.
#pragma once
#include "fovea/backend/cpu/joined_rows.hpp"
#include "fovea/backend/cpu/outer_product.hpp"
#include "fovea/backend/cpu/pixel_list.hpp"
#include "fovea/ops/gradient_kernel.hpp"

namespace fovea::FOVEA_ISA {

// f(first, count) for the vectors that n floats consist of.
template <class F> FOVEA_INLINE void each_vector_of(int n, F f) {
    for (int i = 0; i < n; i += lanes) f(i, std::min(lanes, n - i));
}

// db += the sums of dy over `count` pixels, which lie `step` floats apart.
inline void add_pixels(const float* dy, std::ptrdiff_t step, int count, int channels, float* db) {
    constexpr int at_once = 8 * lanes; // channels at a time, because pixels lie far apart
    alignas(64) float sums[at_once];
    for (int first = 0; first < channels; first += at_once) {
        const int some = std::min(at_once, channels - first);
        std::fill_n(sums, at_once, 0.f);
        const float* from = dy + first;
        for (int p = 0; p < count; ++p, from += step)
            each_vector_of(some, [&](int i, int n) { store(sums + i, load(sums + i) + load_first(from + i, n)); });
        each_vector_of(some, [&](int i, int n) {
            float* to = db + first + i;
            store_first(to, load_first(to, n) + load(sums + i), n);
        });
    }
}
// db += the sums of dy over the pixels of a call, for the channels `outputs`.
inline void sum_bias_gradient(const gradient_call& c, float* db) {
    if (!db) return;
    each_row(c, [&](int image, int y) {
        add_pixels(c.dy.at<const float>(image, y, 0) + c.outputs.begin, c.dy.channels, c.dy.width, c.outputs.size(),
                   db + c.outputs.begin);
    });
}

// Where the copies and the sums [output][column] of a group lie. Without dilation and groups the taps of a kernel row
// are one run of columns that are neighbours in x.
struct weight_gradient_layout {
    static constexpr int pixels = 256;                                                 // at a time
    static constexpr int panel = outer_vectors * lanes, at_once = 256 / panel * panel; // columns
    int kernel, inputs, outputs, run, columns;

    weight_gradient_layout(const attributes& a, const weight_shape& dims, int outputs_)
        : kernel(dims[2]),
          inputs(dims[1]),
          outputs(outputs_),
          run(a.dilation == 1 && a.groups == 1 ? dims[2] * dims[1] : dims[1]),
          columns(dims[2] * dims[3] * dims[1]) {}
    bool in_place() const { return kernel == 1; }
    // Floats from a block of outer_rows outputs, or from a panel of columns, to the next. One line more than they need
    // keeps the same pixel of all of them off the same sets of the caches.
    static std::ptrdiff_t block_step(int count) { return std::ptrdiff_t(count) * outer_rows + line_floats; }
    static std::ptrdiff_t panel_step(int count) { return std::ptrdiff_t(count) * panel + line_floats; }
    std::size_t packed_outputs() const {
        return std::size_t((outputs + outer_rows - 1) / outer_rows) * std::size_t(block_step(pixels));
    }
    static std::size_t packed_columns() { return std::size_t(at_once / panel) * std::size_t(panel_step(pixels)); }
    std::size_t sums() const { return in_place() ? 0 : std::size_t(outputs) * std::size_t(columns); }
    std::size_t floats() const { return packed_outputs() + packed_columns() + sums(); }
};

// Copies dy of the pixels [first, last) as [block of outer_rows outputs][pixel][output of the block], and adds their
// sums to db, if that is given.
inline void pack_outputs(const gradient_call& c, const pixel_list& pixels, range outputs, int first, int last,
                         float* to, float* db) {
    pixels.each_run(first, last, [&](int image, int y, int x, int count, int before) {
        const float* dy = c.dy.at<const float>(image, y, x) + outputs.begin;
        if (db) add_pixels(dy, c.dy.channels, count, outputs.size(), db);
        for (int p = before; p < before + count; ++p, dy += c.dy.channels)
            for (int o = 0, n; o < outputs.size(); o += n) {
                n = std::min(outer_rows, outputs.size() - o);
                float* block = to + o / outer_rows * weight_gradient_layout::block_step(last - first) + p * n;
                each_vector_of(n, [&](int i, int k) { store_first(block + i, load_first(dy + o + i, k), k); });
            }
    });
}

// Copies what the pixels [first, last) read for some columns as [panel][pixel][column of the panel].
inline void pack_columns(const gradient_call& c, const weight_gradient_layout& l, const pixel_list& pixels, int group,
                         range columns, int first, int last, float* to) {
    const int half = l.kernel / 2, s = c.a.stride, runs_of_row = l.kernel * l.inputs / l.run, all = last - first;
    if (columns.size() % lanes != 0) std::fill_n(to, (columns.size() / l.panel + 1) * l.panel_step(all), 0.f);
    for (int at = columns.begin, n; at < columns.end; at += n) {
        const int run = at / l.run, i = run / runs_of_row, j = run % runs_of_row, column = at - columns.begin;
        n = std::min((run + 1) * l.run, columns.end) - at;
        pixels.each_run(first, last, [&](int image, int y, int x, int count, int before) {
            const float* from = c.x[0].read<float>(image, y * s + c.a.offset + (i - half) * c.a.dilation,
                                                   x * s + c.a.offset + (j - half) * c.a.dilation) +
                                group * l.inputs + at % l.run;
            for (int p = before; p < before + count; ++p, from += std::ptrdiff_t(s) * c.x[0].channels)
                for (int k = column, m; k < column + n; k += m) { // as far as a vector reaches
                    m = std::min(lanes - k % lanes, column + n - k);
                    store_first(to + k / l.panel * l.panel_step(all) + p * l.panel + k % l.panel,
                                load_first(from + k - column, m), m);
                }
        });
    }
}

inline std::size_t direct_weight_gradient_scratch(const gradient_call& c) {
    const int outputs = std::min(c.outputs.size(), c.dims[0] / c.a.groups);
    return sizeof(float) * weight_gradient_layout(c.a, c.dims, outputs).floats();
}

// Whether the rows of x and of dy follow each other without gaps.
inline bool joins_rows(const gradient_call& c) {
    return c.a.stride == 1 && c.a.offset == 0 && is_dense(c.x[0]) && is_dense(c.dy);
}
// Whether x and dy are read where they are, because copies would take much of the time of the products: pixels lie in
// long runs, and not so far apart that they push each other out of the caches.
inline bool reads_in_place(const gradient_call& c) {
    if (c.a.kernel > 1 || c.a.groups > 1 || c.dims[1] % lanes != 0) return false;
    return joins_rows(c) ? std::max(c.dims[0], c.dims[1]) <= 512 : c.dims[0] * c.dims[1] <= 64 * 64 && c.dy.width >= 32;
}
inline void direct_weight_gradient_in_place(const gradient_call& given) {
    gradient_call c = given;
    if (joins_rows(c)) c.x[0] = joined_rows(c.x[0], c.rows), c.dy = joined_rows(c.dy, c.rows), c.rows = {0, 1};
    constexpr int at_once = 128,
                  panel = weight_gradient_layout::panel; // pixels at a time, so few that a panel of them stays in L1
    const int inputs = c.dims[1], outputs = c.outputs.size(), s = c.a.stride;
    const std::ptrdiff_t x_step = std::ptrdiff_t(s) * c.x[0].channels, dy_step = c.dy.channels;
    float* const dw = c.weight_gradient<float>(0) + std::ptrdiff_t(c.outputs.begin) * inputs;
    float* const db = c.weight_gradient<float>(1);
    each_row(c, [&](int n, int y) {
        const int v = y * s + c.a.offset;
        const bool inside = v >= 0 && v < c.x[0].height;
        for (int first = 0; first < c.dy.width; first += at_once) {
            const int count = std::min(at_once, c.dy.width - first);
            const float* dy = c.dy.at<const float>(n, y, first) + c.outputs.begin;
            if (db) add_pixels(dy, dy_step, count, outputs, db + c.outputs.begin);
            if (!inside) continue;
            const float* x = c.x[0].at<const float>(n, v, first * s + c.a.offset);
            for (int i = 0; i < inputs; i += panel) {
                // Prefetches a share of the pixels to come, for which the loop would wait.
                for (int p = count + count * i / inputs; p < count + count * std::min(i + panel, inputs) / inputs;
                     ++p) {
                    for (int k = 0; k < inputs; k += line_floats) fetch_later(x + p * x_step + k);
                    for (int k = 0; k < outputs; k += line_floats) fetch_later(dy + p * dy_step + k);
                }
                sum_outer_block({dy, x + i, dy_step, x_step, count}, outputs, std::min(panel, inputs - i), dw + i,
                                inputs);
            }
        }
    });
}

// The gradient of the filters of the outputs [outputs.begin, outputs.end), all of one group.
inline void direct_weight_gradient_of_group(const gradient_call& c, int group, range outputs) {
    const weight_gradient_layout l(c.a, c.dims, outputs.size());
    float* const dw = c.weight_gradient<float>(0) + std::ptrdiff_t(outputs.begin) * l.columns;
    float* const db = c.weight_gradient<float>(1);
    float* const dy = reinterpret_cast<float*>(c.scratch);
    float* const x = dy + l.packed_outputs();
    float* const sums = l.in_place() ? dw : x + l.packed_columns();
    std::fill_n(sums, l.sums(), 0.f);
    const pixel_list pixels{c.images, c.rows, {0, c.dy.width}};
    const int all = pixels.count();
    for (int first = 0; first < all; first += l.pixels) {
        const int last = std::min(first + l.pixels, all), count = last - first;
        pack_outputs(c, pixels, outputs, first, last, dy, db ? db + outputs.begin : nullptr);
        for (int some = 0; some < l.columns; some += l.at_once) {
            const range columns{some, std::min(some + l.at_once, l.columns)};
            pack_columns(c, l, pixels, group, columns, first, last, x);
            for (int o = 0, n; o < l.outputs; o += n) {
                n = std::min(outer_rows, l.outputs - o);
                for (int column = some; column < columns.end; column += l.panel)
                    sum_outer_block({dy + o / outer_rows * l.block_step(count),
                                     x + (column - some) / l.panel * l.panel_step(count), n, l.panel, count},
                                    n, std::min(l.panel, columns.end - column),
                                    sums + std::ptrdiff_t(o) * l.columns + column, l.columns);
            }
        }
    }
    if (l.in_place()) return;
    const int taps = l.kernel * l.kernel;
    for (int o = 0; o < l.outputs; ++o)
        for (int i = 0; i < l.inputs; ++i)
            for (int tap = 0; tap < taps; ++tap)
                dw[(std::ptrdiff_t(o) * l.inputs + i) * taps + tap] +=
                    sums[std::ptrdiff_t(o) * l.columns + tap * l.inputs + i];
}

inline void direct_weight_gradient(const gradient_call& c) {
    if (reads_in_place(c)) return direct_weight_gradient_in_place(c);
    const int each = c.dims[0] / c.a.groups;
    for (int group = 0; group < c.a.groups; ++group) {
        const range outputs{std::max(c.outputs.begin, group * each), std::min(c.outputs.end, (group + 1) * each)};
        if (!outputs.empty()) direct_weight_gradient_of_group(c, group, outputs);
    }
}

} // namespace fovea::FOVEA_ISA
