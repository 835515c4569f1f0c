// max_pool: the largest of the pixels of a kernel x kernel window that lie inside the image; windows are `stride`
// pixels apart. The result is NaN where one of the pixels is. global_average_pool: the mean over all pixels of an
// image.
//
//   x[0]  (N,H,W,C)     y  (N,H',W',C), for global_average_pool (N,1,1,C)
#pragma once
#include <limits>

#include "fovea/backend/cpu/simd.hpp"
#include "fovea/ops/kernel.hpp"

namespace fovea::FOVEA_ISA {

inline void max_pool(const call& c) {
    const window& in = c.x[0];
    const auto taps = [&](int centre, int size) {
        const int first = centre * c.a.stride + c.a.offset - c.a.kernel / 2;
        return range{first, first + c.a.kernel}.clip(size);
    };
    each_pixel(c, [&](int n, int y, int x) {
        const range rows = taps(y, in.height), columns = taps(x, in.width);
        float* out = c.y.at<float>(n, y, x);
        for (int first = 0; first < in.channels; first += lanes) {
            const int k = std::min(lanes, in.channels - first);
            vf best = broadcast(-std::numeric_limits<float>::infinity());
            for (int i = rows.begin; i < rows.end; ++i)
                for (int j = columns.begin; j < columns.end; ++j) {
                    const vf v = load_first(in.at<const float>(n, i, j) + first, k);
                    best = xsimd::select(xsimd::isnan(v), v, at_least(best, v));
                }
            store_first(out + first, best, k);
        }
    });
}

// Runs of 16 pixels are summed in float, and their sums in double, in an order that depends on the image's size alone.
inline void global_average_pool(const call& c) {
    const window& in = c.x[0];
    constexpr int run = 16;
    for (int n = c.images.begin; n < c.images.end; ++n)
        for (int first = 0; first < in.channels; first += lanes) {
            const int k = std::min(lanes, in.channels - first);
            alignas(64) float part[lanes];
            double total[lanes] = {};
            for (int y = 0; y < in.height; ++y)
                for (int x = 0; x < in.width; x += run) {
                    vf sum = broadcast(0.f);
                    const float* p = in.at<const float>(n, y, x) + first;
                    for (int i = std::min(run, in.width - x); i > 0; --i, p += in.channels)
                        sum = sum + load_first(p, k);
                    store(part, sum);
                    for (int i = 0; i < lanes; ++i) total[i] += double(part[i]);
                }
            float* out = c.y.at<float>(n, 0, 0) + first;
            for (int i = 0; i < k; ++i) out[i] = float(total[i] / (double(in.height) * in.width));
        }
}

} // namespace fovea::FOVEA_ISA
