// y = up(x) + skip: magnification by an integer factor r as deep-learning frameworks do it. Pixels have their centres
// at halves, output i lies at (i + 1/2) / r - 1/2 of the input, nothing is antialiased, the border is replicated. The
// filter is nearest, bilinear, or bicubic with a = -0.75 (Keys 1981).
//
//   x[0]  (N,H,W,C)     x[1]  (N,H r,W r,C), optional, may be y     y  (N,H r,W r,C)
//
// For each output row its source rows are summed into one row in scratch. That row is filtered once for each of the r
// column phases, whose weights are the same everywhere, and the phases are interleaved.
#pragma once
#include "fovea/backend/cpu/simd.hpp"
#include "fovea/core/interpolation.hpp"
#include "fovea/ops/kernel.hpp"

namespace fovea::FOVEA_ISA {

// The source pixels first, first + 1, ... of an output coordinate i, with their weights.
struct upsample_taps {
    int first = 0, count = 1;
    float weight[4] = {1, 0, 0, 0};

    upsample_taps(int i, int r, interpolation filter) {
        if (filter == interpolation::nearest) {
            first = i / r;
            return;
        }
        const int twice = 2 * i + 1 - r; // the source position times 2 r
        const int below = twice >= 0 ? twice / (2 * r) : -((-twice + 2 * r - 1) / (2 * r));
        const double t = double(twice - below * 2 * r) / (2 * r);
        if (filter == interpolation::bilinear) {
            first = below;
            count = 2;
            weight[0] = float(1 - t);
            weight[1] = float(t);
            return;
        }
        first = below - 1;
        count = 4;
        const double distance[] = {1 + t, t, 1 - t, 2 - t};
        for (int k = 0; k < 4; ++k) weight[k] = float(cubic_weight(distance[k], framework_cubic));
    }
};

inline constexpr int upsample_border = 2; // source columns on each side that a row in scratch has beyond those under y

// The source columns that lie under the columns to compute.
inline range upsample_columns(const call& c) { return {c.cols.begin / c.a.factor, (c.cols.end - 1) / c.a.factor + 1}; }

inline std::size_t upsample_scratch(const call& c) {
    const int columns = upsample_columns(c).size() + 2 * upsample_border;
    return 2 * sizeof(float) * std::size_t((columns * c.y.channels + lanes - 1) / lanes * lanes);
}

// out[i] = sum over t of weight[t] source[t][i]
inline void weighted_sum(const float* const* source, const upsample_taps& taps, int values, float* out) {
    for (int i = 0; i < values; i += lanes) {
        const int k = std::min(lanes, values - i);
        vf sum = load_first(source[0] + i, k) * broadcast(taps.weight[0]);
        for (int t = 1; t < taps.count; ++t) sum = fma(load_first(source[t] + i, k), broadcast(taps.weight[t]), sum);
        store_first(out + i, sum, k);
    }
}

inline void upsample(const call& c) {
    const window& in = c.x[0];
    const int r = c.a.factor, channels = c.y.channels, inner = channels * int(upsample_columns(c).size());
    const range wanted = upsample_columns(c), padded{wanted.begin - upsample_border, wanted.end + upsample_border};
    const upsample_taps left(c.cols.begin, r, c.a.filter), right(c.cols.end - 1, r, c.a.filter);
    const range kept =
        range{left.first, right.first + right.count}.clip(in.width); // the columns that this call may read
    float* column_sums = reinterpret_cast<float*>(c.scratch);        // of the source columns `padded`
    float* phase = column_sums + (padded.size() * channels + lanes - 1) / lanes * lanes;

    each_row(c, [&](int n, int y) {
        const upsample_taps vertical(y, r, c.a.filter);
        const float* source[4];
        for (int t = 0; t < vertical.count; ++t)
            source[t] = in.at<const float>(n, std::clamp(vertical.first + t, 0, in.height - 1), kept.begin);
        float* first = column_sums + (kept.begin - padded.begin) * channels;
        weighted_sum(source, vertical, kept.size() * channels, first);
        for (float* p = first; p > column_sums; --p) p[-1] = p[channels - 1];
        float* end = first + kept.size() * channels;
        for (float* p = end; p < column_sums + padded.size() * channels; ++p) *p = p[-channels];

        float* out = c.y.at<float>(n, y, c.cols.begin);
        const float* skip = c.x[1] ? c.x[1].at<const float>(n, y, c.cols.begin) : nullptr;
        for (int j = 0; j < r; ++j) {
            const upsample_taps horizontal(j, r, c.a.filter);
            for (int t = 0; t < horizontal.count; ++t)
                source[t] = column_sums + (upsample_border + horizontal.first + t) * channels;
            weighted_sum(source, horizontal, inner, phase);
            int source_column = c.cols.begin / r + (j < c.cols.begin % r ? 1 : 0);
            for (int column; (column = source_column * r + j) < c.cols.end; ++source_column)
                for (int k = 0; k < channels; ++k) {
                    const float value = phase[(source_column - wanted.begin) * channels + k];
                    const std::ptrdiff_t at = std::ptrdiff_t(column - c.cols.begin) * channels + k;
                    out[at] = skip ? value + skip[at] : value;
                }
        }
    });
}

} // namespace fovea::FOVEA_ISA
