// Pixel shuffle (Shi et al., CVPR 2016, arXiv 1609.05158): y[h r + i, w r + j, c] = x[h, w, c r r + i r + j].
//
//   x[0]  (N,H,W,C r r)     y  (N,H r,W r,C)
#pragma once
#include "fovea/backend/cpu/simd.hpp"
#include "fovea/graph/kernel.hpp"

namespace fovea::FOVEA_ISA {

inline void pixel_shuffle(const call& c) {
    const int r = c.a.factor, channels = c.y.channels;
    each_row(c, [&](int n, int y) {
        float* out = c.y.at<float>(n, y, c.cols.begin);
        int j = c.cols.begin % r;
        const float* x = c.x[0].at<const float>(n, y / r, c.cols.begin / r) + y % r * r;
        for (int column = c.cols.begin; column < c.cols.end; ++column) {
            for (int k = 0; k < channels; ++k) *out++ = x[k * r * r + j];
            if (++j == r) {
                j = 0;
                x += c.x[0].channels;
            }
        }
    });
}

} // namespace fovea::FOVEA_ISA
