// Pixel shuffle (Shi et al., CVPR 2016, arXiv 1609.05158): y[h r + i, w r + j, c] = x[h, w, c r r + i r + j].
//
//   x[0]  (N,H,W,C r r)     y  (N,H r,W r,C)
#pragma once
#include <algorithm>

#include "fovea/core/config.hpp"
#include "fovea/ops/kernel.hpp"

namespace fovea::FOVEA_ISA {

// Columns [begin, end) of one row of y. x points to the source pixel of the first one.
FOVEA_INLINE void shuffle_columns(const float* x, float* y, int begin, int end, int r, int channels) {
    for (int column = begin, j = begin % r; column < end; x += channels * r * r, j = 0)
        for (; j < r && column < end; ++j, ++column, y += channels)
            for (int k = 0; k < channels; ++k) y[k] = x[k * r * r + j];
}
// The same; with R > 0 the factor and the channels are constants, and a source pixel is taken as a whole.
template <int R, int Channels> void shuffle_row(const float* x, float* y, int begin, int end, int r, int channels) {
    if constexpr (R == 0) {
        shuffle_columns(x, y, begin, end, r, channels);
    } else {
        const int first = std::min((begin + R - 1) / R * R, end), last = std::max(end / R * R, first);
        shuffle_columns(x, y, begin, first, R, Channels);
        x += (first / R - begin / R) * Channels * R * R;
        y += (first - begin) * Channels;
        for (int column = first; column < last; column += R, x += Channels * R * R, y += R * Channels) {
            FOVEA_UNROLL
            for (int i = 0; i < R * Channels; ++i) y[i] = x[i % Channels * R * R + i / Channels];
        }
        shuffle_columns(x, y, last, end, R, Channels);
    }
}

inline void pixel_shuffle(const call& c) {
    const int r = c.a.factor, channels = c.y.channels;
    const auto row = channels != 3 ? shuffle_row<0, 0>
                     : r == 2      ? shuffle_row<2, 3>
                     : r == 3      ? shuffle_row<3, 3>
                     : r == 4      ? shuffle_row<4, 3>
                                   : shuffle_row<0, 0>;
    each_row(c, [&](int n, int y) {
        row(c.x[0].at<const float>(n, y / r, c.cols.begin / r) + y % r * r, c.y.at<float>(n, y, c.cols.begin),
            c.cols.begin, c.cols.end, r, channels);
    });
}

} // namespace fovea::FOVEA_ISA
