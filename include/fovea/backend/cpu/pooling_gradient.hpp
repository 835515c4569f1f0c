// Gradients of max_pool and global_average_pool. The gradient of a maximum goes to the first of the largest pixels of
// its window.
//
//   x, dx  (N,H,W,C); dx is overwritten or added to     y, dy  (N,H',W',C), for global_average_pool (N,1,1,C)
#pragma once
#include "fovea/backend/cpu/elementwise_gradient.hpp"

namespace fovea::FOVEA_ISA {

inline void max_pool_gradient(const gradient_call& c) {
    const window &in = c.x[0], &dx = c.dx[0];
    const int k = c.a.kernel, before = k / 2 - c.a.offset, s = c.a.stride; // a window begins `before` pixels earlier
    const auto windows = [&](range of, int size) { // the outputs whose windows meet positions `of`
        return range{std::max(0, (of.begin + before - k + s) / s), std::min(size, (of.end - 1 + before) / s + 1)};
    };
    const auto inside = [](int at, range of) { return at >= of.begin && at < of.end; };
    const range rows = windows(c.rows, c.dy.height), columns = windows(c.cols, c.dy.width);
    for (int n = c.images.begin; n < c.images.end; ++n) {
        for (int y = c.rows.begin; !c.accumulates[0] && y < c.rows.end; ++y)
            std::fill_n(dx.at<float>(n, y, c.cols.begin), c.cols.size() * in.channels, 0.f);
        for (int h = rows.begin; h < rows.end; ++h)
            for (int w = columns.begin; w < columns.end; ++w)
                for (int first = 0; first < in.channels; first += lanes) {
                    const int count = std::min(lanes, in.channels - first);
                    const vf y = load_first(c.y.at<const float>(n, h, w) + first, count);
                    const vf dy = load_first(c.dy.at<const float>(n, h, w) + first, count);
                    vf::batch_bool_type open(true); // channels whose gradient no tap has taken yet
                    for (int t = 0; t < k * k; ++t) {
                        const int i = h * s + t / k - before, j = w * s + t % k - before;
                        if (!inside(i, {0, in.height}) || !inside(j, {0, in.width})) continue;
                        const vf x = load_first(in.at<const float>(n, i, j) + first, count);
                        const auto mine = open && ((x == y) || xsimd::isnan(x));
                        open = open && !mine;
                        if (!inside(i, c.rows) || !inside(j, c.cols)) continue;
                        float* to = dx.at<float>(n, i, j) + first;
                        store_first(to, load_first(to, count) + xsimd::select(mine, dy, broadcast(0.f)), count);
                    }
                }
    }
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
