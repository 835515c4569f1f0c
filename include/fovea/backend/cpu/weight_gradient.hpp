// dw and db of a convolution, summed directly: dw[o][i][tap] += sum over pixels of dy[p][o] x[p stride + tap][i].
//
//   x  (N,H,W,I)     dy  (N,H',W',O)     dw  (O,I/groups,K,K), db  (O) or null: +=
//
// An outer product for every pixel: blocks of inputs times outputs are kept in registers over some rows of pixels.
#pragma once
#include "fovea/backend/cpu/register_block.hpp"
#include "fovea/graph/gradient_kernel.hpp"

namespace fovea::FOVEA_ISA {

// Steps in floats, from a pixel to the next.
struct outer_terms {
    const float *x, *dy;
    std::ptrdiff_t x_step, dy_step;
    int pixels;
    int last; // outputs in the last vector
};

// sums[p][NV * lanes] += x[p] dy[NV * lanes] over pixels, P inputs at a time.
template <int NV, int P, bool Part>
FOVEA_NOINLINE void sum_outer(const outer_terms* rows, int count, std::ptrdiff_t input, float* sums,
                              std::ptrdiff_t sums_step) {
    vf acc[P][NV];
    FOVEA_UNROLL
    for (int p = 0; p < P; ++p) {
        FOVEA_UNROLL
        for (int v = 0; v < NV; ++v) acc[p][v] = load(sums + p * sums_step + v * lanes);
    }
    for (int r = 0; r < count; ++r) {
        const outer_terms& t = rows[r];
        const float *x = t.x + input, *dy = t.dy;
        for (int k = 0; k < t.pixels; ++k, x += t.x_step, dy += t.dy_step) {
            vf b[NV];
            FOVEA_UNROLL
            for (int v = 0; v < NV; ++v)
                b[v] = Part && v + 1 == NV ? load_part(dy + v * lanes, t.last) : load(dy + v * lanes);
            FOVEA_UNROLL
            for (int p = 0; p < P; ++p) {
                const vf a = broadcast(x[p]);
                FOVEA_UNROLL
                for (int v = 0; v < NV; ++v) acc[p][v] = fma(a, b[v], acc[p][v]);
            }
        }
    }
    FOVEA_UNROLL
    for (int p = 0; p < P; ++p) {
        FOVEA_UNROLL
        for (int v = 0; v < NV; ++v) store(sums + p * sums_step + v * lanes, acc[p][v]);
    }
}

// All `inputs` of one block of NV vectors of outputs.
template <int NV, bool Part>
void sum_outer_inputs(const outer_terms* rows, int count, int inputs, float* sums, std::ptrdiff_t sums_step) {
    constexpr int P = block_pixels<NV>;
    int i = 0;
    for (; i + P <= inputs; i += P) sum_outer<NV, P, Part>(rows, count, i, sums + i * sums_step, sums_step);
    for (; i + 4 <= inputs; i += 4) sum_outer<NV, 4, Part>(rows, count, i, sums + i * sums_step, sums_step);
    for (; i < inputs; ++i) sum_outer<NV, 1, Part>(rows, count, i, sums + i * sums_step, sums_step);
}
using outer_kernel = void (*)(const outer_terms*, int count, int inputs, float* sums, std::ptrdiff_t sums_step);
template <bool Part> outer_kernel outer_kernel_of_vectors(int vectors) {
    if constexpr (max_block_vectors == 4)
        if (vectors == 4) return sum_outer_inputs<4, Part>;
    return vectors == 3   ? sum_outer_inputs<3, Part>
           : vectors == 2 ? sum_outer_inputs<2, Part>
                          : sum_outer_inputs<1, Part>;
}
inline outer_kernel outer_kernel_of(int vectors, bool part) {
    return part ? outer_kernel_of_vectors<true>(vectors) : outer_kernel_of_vectors<false>(vectors);
}
// f(first vector, vectors) for blocks of outputs.
template <class F> void each_outer_block(int vectors, F f) {
    for (int v = 0, n; v < vectors; v += n) f(v, n = block_vectors(vectors - v, 1));
}

// db += sums of dy over the pixels of the call, of the channels `outputs`.
inline void sum_bias_gradient(const gradient_call& c, float* db) {
    if (!db) return;
    for (int first = c.outputs.begin; first < c.outputs.end; first += lanes) {
        const int n = std::min(lanes, c.outputs.end - first);
        vf sum = load_first(db + first, n);
        each_row(c, [&](int image, int y) {
            const float* dy = c.dy.at<const float>(image, y, 0) + first;
            vf row = broadcast(0.f);
            for (int x = 0; x < c.dy.width; ++x, dy += c.dy.channels) row = row + load_first(dy, n);
            sum = sum + row;
        });
        store_first(db + first, sum, n);
    }
}

// Sums as [K][runs][inputs of a run][outputs, rounded up]: without dilation and groups the K taps of a row are one run.
struct weight_gradient_layout {
    int kernel, runs, inputs, vectors;
    weight_gradient_layout(const attributes& a, const weight_shape& dims, int outputs)
        : kernel(dims[2]),
          runs(a.dilation == 1 && a.groups == 1 ? 1 : dims[2]),
          inputs(runs == 1 ? dims[2] * dims[1] : dims[1]),
          vectors((outputs + lanes - 1) / lanes) {}
    std::ptrdiff_t run_floats() const { return std::ptrdiff_t(inputs) * vectors * lanes; }
    std::size_t floats() const { return std::size_t(kernel * runs) * std::size_t(run_floats()); }
};

inline std::size_t direct_weight_gradient_scratch(const gradient_call& c) {
    return sizeof(float) * weight_gradient_layout(c.a, c.dims, c.dims[0] / c.a.groups).floats();
}

// The outputs [outputs.begin, outputs.end) of one group.
inline void direct_weight_gradient_of_group(const gradient_call& c, int group, range outputs) {
    constexpr std::size_t cached = 192 << 10; // bytes of the rows that all blocks walk through
    constexpr int most_rows = 16;
    const weight_gradient_layout l(c.a, c.dims, outputs.size());
    const int half = l.kernel / 2, s = c.a.stride, inputs = c.dims[1];
    float* const sums = reinterpret_cast<float*>(c.scratch);
    std::fill_n(sums, l.floats(), 0.f);
    const std::size_t row_bytes =
        sizeof(float) * std::size_t(c.dy.width) * std::size_t(c.dy.channels + s * c.x[0].channels);
    const int rows_at_once = int(std::clamp<std::size_t>(cached / row_bytes, 1, most_rows));
    outer_terms rows[most_rows];
    for (int n = c.images.begin; n < c.images.end; ++n)
        for (int top = c.rows.begin; top < c.rows.end; top += rows_at_once)
            for (int i = 0; i < l.kernel; ++i)
                for (int run = 0; run < l.runs; ++run) {
                    int count = 0;
                    for (int y = top; y < std::min(top + rows_at_once, c.rows.end); ++y) {
                        const int v = y * s + (i - half) * c.a.dilation,
                                  u = ((l.runs == 1 ? 0 : run) - half) * c.a.dilation;
                        if (v < 0 || v >= c.x[0].height) continue;
                        rows[count++] = {c.x[0].at<const float>(n, v, u) + group * inputs,
                                         c.dy.at<const float>(n, y, 0) + outputs.begin,
                                         std::ptrdiff_t(s) * c.x[0].channels,
                                         c.dy.channels,
                                         c.dy.width,
                                         0};
                    }
                    float* to = sums + (i * l.runs + run) * l.run_floats();
                    each_outer_block(l.vectors, [&](int first, int vectors) {
                        const int left = outputs.size() - (first + vectors - 1) * lanes;
                        outer_terms block[most_rows];
                        for (int r = 0; r < count; ++r) {
                            block[r] = rows[r];
                            block[r].dy += first * lanes, block[r].last = left;
                        }
                        outer_kernel_of(vectors, left < lanes)(block, count, l.inputs, to + first * lanes,
                                                               std::ptrdiff_t(l.vectors) * lanes);
                    });
                }
    float* dw = c.weight_gradient<float>(0);
    const int taps = l.kernel * l.kernel;
    for (int first = 0; first < outputs.size();
         first += lanes) // a line of sums at a time: what they go to is far apart
        for (int i = 0; i < inputs; ++i)
            for (int tap = 0; tap < taps; ++tap)
                for (int o = first; o < std::min(first + lanes, outputs.size()); ++o)
                    dw[(std::ptrdiff_t(outputs.begin + o) * inputs + i) * taps + tap] +=
                        sums[(std::ptrdiff_t(tap) * inputs + i) * l.vectors * lanes + o];
}

inline void direct_weight_gradient(const gradient_call& c) {
    const int each = c.dims[0] / c.a.groups;
    for (int group = 0; group < c.a.groups; ++group) {
        const range outputs{std::max(c.outputs.begin, group * each), std::min(c.outputs.end, (group + 1) * each)};
        if (!outputs.empty()) direct_weight_gradient_of_group(c, group, outputs);
    }
    sum_bias_gradient(c, c.weight_gradient<float>(1));
}

} // namespace fovea::FOVEA_ISA
