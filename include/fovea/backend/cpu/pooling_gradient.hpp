// Gradients of max_pool, which go to the first of the largest pixels of each window, and of global_average_pool.
//
//   x, dx  (N,H,W,C); = or +=     y, dy  (N,H',W',C), of global_average_pool (N,1,1,C)
#pragma once
#include "fovea/backend/cpu/elementwise_gradient.hpp"

namespace fovea::FOVEA_ISA {

inline void max_pool_gradient(const gradient_call& c) {
    const window& in = c.x[0];
    const int k = c.a.kernel, half = k / 2, s = c.a.stride;
    const auto windows = [&](int at, int size) { // the outputs whose windows hold position `at`
        return range{std::max(0, (at - half + s - 1) / s), std::min(size, (at + half) / s + 1)};
    };
    each_pixel(c, [&](int n, int v, int u) {
        const range rows = windows(v, c.dy.height), columns = windows(u, c.dy.width);
        for (int first = 0; first < in.channels; first += lanes) {
            const int count = std::min(lanes, in.channels - first);
            const auto x_at = [&](int i, int j) { return load_first(in.at<const float>(n, i, j) + first, count); };
            const vf x = x_at(v, u);
            vf sum = broadcast(0.f);
            for (int h = rows.begin; h < rows.end; ++h)
                for (int w = columns.begin; w < columns.end; ++w) {
                    const vf y = load_first(c.y.at<const float>(n, h, w) + first, count);
                    const auto largest = [&](vf value) { return (value == y) || xsimd::isnan(value); };
                    auto mine = largest(x);
                    for (int t = 0; t < (v - h * s + half) * k + u - w * s + half; ++t) { // taps before this one
                        const int i = h * s + t / k - half, j = w * s + t % k - half;
                        if (i >= 0 && j >= 0 && j < in.width) mine = mine && !largest(x_at(i, j));
                    }
                    const vf dy = load_first(c.dy.at<const float>(n, h, w) + first, count);
                    sum = sum + xsimd::select(mine, dy, broadcast(0.f));
                }
            float* dx = c.dx[0].at<float>(n, v, u) + first;
            store_first(dx, c.accumulates[0] ? load_first(dx, count) + sum : sum, count);
        }
    });
}

inline void global_average_pool_gradient(const gradient_call& c) {
    const int channels = c.dy.channels;
    const vf share = broadcast(float(1 / (double(c.x[0].height) * c.x[0].width)));
    each_channel_row(c, [&](int n, int y, int first, int k) {
        const vf d = load_first(c.dy.at<const float>(n, 0, 0) + first, k) * share;
        float* dx = c.dx[0].at<float>(n, y, c.cols.begin) + first;
        for (int p = 0; p < c.cols.size(); ++p, dx += channels)
            store_first(dx, c.accumulates[0] ? load_first(dx, k) + d : d, k);
    });
}

} // namespace fovea::FOVEA_ISA
