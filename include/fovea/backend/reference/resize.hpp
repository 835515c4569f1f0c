#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "fovea/backend/reference/backend.hpp"
#include "fovea/ops/resize.hpp"

namespace fovea {

template <class Real> void forward(basic_reference<Real>, shuffle_pixels, const call& c) {
    const int r = c.a.factor;
    each_pixel(c, [&](int n, int h, int w) {
        const Real* x = c.x[0].at<Real>(n, h / r, w / r) + h % r * r + w % r; // (C r r)
        Real* y = c.y.at<Real>(n, h, w);                                      // (C)
        for (int i = 0; i < c.y.channels; ++i) y[i] = x[i * r * r];
    });
}

namespace detail {

// Sets w to the coefficients of the four source positions around output position `at`, and returns the first position.
template <class Real> int magnifying_taps(interpolation filter, int at, int factor, Real (&w)[4]) {
    const Real source = (Real(at) + Real(0.5)) / Real(factor) - Real(0.5), first = std::floor(source),
               t = source - first;
    for (int i = 0; i < 4; ++i) w[i] = magnifying_weight(filter, std::abs(t - Real(i - 1)), i == 1 + (t >= Real(0.5)));
    return int(first) - 1;
}

} // namespace detail

template <class Real> void forward(basic_reference<Real>, magnify, const call& c) {
    const window& in = c.x[0];
    each_pixel(c, [&](int n, int h, int w) {
        Real vertical[4], horizontal[4];
        const int top = detail::magnifying_taps(c.a.filter, h, c.a.factor, vertical);
        const int left = detail::magnifying_taps(c.a.filter, w, c.a.factor, horizontal);
        Real* y = c.y.at<Real>(n, h, w); // (C)
        const Real* skip = c.x[1] ? c.x[1].at<Real>(n, h, w) : nullptr;
        for (int i = 0; i < c.y.channels; ++i) y[i] = skip ? skip[i] : 0;
        for (int t = 0; t < 16; ++t) {
            const int v = std::clamp(top + t / 4, 0, in.height - 1), u = std::clamp(left + t % 4, 0, in.width - 1);
            const Real coefficient = vertical[t / 4] * horizontal[t % 4];
            if (coefficient == 0) continue;       // a pixel with coefficient 0 may not be in memory
            const Real* x = in.at<Real>(n, v, u); // (C)
            for (int i = 0; i < c.y.channels; ++i) y[i] += coefficient * x[i];
        }
    });
}

template <class Real> void forward(basic_reference<Real>, pool_maximum, const call& c) {
    const window& in = c.x[0];
    const int k = c.a.kernel, before = k / 2 - c.a.offset; // the window of output h begins at h * stride - before
    each_pixel(c, [&](int n, int h, int w) {
        Real* y = c.y.at<Real>(n, h, w); // (C)
        std::fill_n(y, c.y.channels, -std::numeric_limits<Real>::infinity());
        for (int i = 0; i < k * k; ++i) {
            const int v = h * c.a.stride + i / k - before, u = w * c.a.stride + i % k - before;
            if (v < 0 || v >= in.height || u < 0 || u >= in.width) continue;
            const Real* x = in.at<Real>(n, v, u); // (C)
            for (int q = 0; q < c.y.channels; ++q)
                if (!(y[q] >= x[q])) y[q] = x[q]; // NaN is kept
        }
    });
}

template <class Real> void forward(basic_reference<Real>, pool_mean, const call& c) {
    const window& in = c.x[0];
    for (int n = c.images.begin; n < c.images.end; ++n)
        for (int i = 0; i < c.y.channels; ++i) {
            double sum = 0;
            for (int h = 0; h < in.height; ++h)
                for (int w = 0; w < in.width; ++w) sum += double(in.at<Real>(n, h, w)[i]);
            c.y.at<Real>(n, 0, 0)[i] = Real(sum / (double(in.height) * in.width));
        }
}

template <class Real> void forward(basic_reference<Real>, multiply_matrix, const call& c) {
    const Real *m = c.weight<Real>(0), *b = c.weight<Real>(1); // (O,I), (O)
    const int inputs = c.x[0].channels;
    each_pixel(c, [&](int n, int h, int w) {
        const Real* x = c.x[0].at<Real>(n, h, w); // (I)
        Real* y = c.y.at<Real>(n, h, w);          // (O)
        for (int o = 0; o < c.y.channels; ++o) {
            Real sum = 0;
            for (int i = 0; i < inputs; ++i) sum += m[o * inputs + i] * x[i];
            y[o] = sum + (b ? b[o] : 0);
        }
    });
}

template <class Real> void input_gradient(basic_reference<Real>, shuffle_pixels, const gradient_call& c) {
    const int r = c.a.factor;
    each_pixel(c, [&](int n, int v, int u) {
        put_gradient<Real>(c, 0, n, v, u,
                           [&](int i) { return c.dy.at<Real>(n, v * r + i / r % r, u * r + i % r)[i / (r * r)]; });
    });
}

namespace detail {

// Calls f(coefficient, output position) along one axis for the outputs that read input position `at` of `size`.
template <class Real, class F> void each_magnified(const attributes& a, int at, int size, F f) {
    const int outputs = size * a.factor;
    const range nearby = range{(at - 3) * a.factor, (at + 4) * a.factor}.clip(outputs);
    for (int y = nearby.begin; y < nearby.end; ++y) {
        Real taps[4], sum = 0;
        const int first = magnifying_taps(a.filter, y, a.factor, taps);
        for (int t = 0; t < 4; ++t)
            if (std::clamp(first + t, 0, size - 1) == at) sum += taps[t];
        if (sum != 0) f(sum, y);
    }
}

} // namespace detail

template <class Real> void input_gradient(basic_reference<Real>, magnify, const gradient_call& c) {
    const window& dx = c.dx[0];
    std::vector<Real> sums(std::size_t(dx.channels));
    each_pixel(c, [&](int n, int v, int u) {
        std::fill(sums.begin(), sums.end(), Real(0));
        detail::each_magnified<Real>(c.a, v, dx.height, [&](Real vertical, int h) {
            detail::each_magnified<Real>(c.a, u, dx.width, [&](Real horizontal, int w) {
                const Real* dy = c.dy.at<Real>(n, h, w); // (C)
                for (int i = 0; i < dx.channels; ++i) sums[std::size_t(i)] += vertical * horizontal * dy[i];
            });
        });
        put_gradient<Real>(c, 0, n, v, u, [&](int i) { return sums[std::size_t(i)]; });
    });
}

// The gradient goes to the first of the largest pixels of each window, in row-major order.
template <class Real> void input_gradient(basic_reference<Real>, pool_maximum, const gradient_call& c) {
    const window& in = c.x[0];
    const int k = c.a.kernel, before = k / 2 - c.a.offset, s = c.a.stride;
    const auto first_largest = [&](int n, int h, int w, int i) { // returns the tap
        for (int t = 0; t < k * k; ++t) {
            const int v = h * s + t / k - before, u = w * s + t % k - before;
            if (v < 0 || v >= in.height || u < 0 || u >= in.width) continue;
            const Real x = in.at<Real>(n, v, u)[i];
            if (x == c.y.at<Real>(n, h, w)[i] || x != x) return t;
        }
        return -1;
    };
    each_pixel(c, [&](int n, int v, int u) {
        put_gradient<Real>(c, 0, n, v, u, [&](int i) {
            Real sum = 0;
            const auto first = [&](int at) { return std::max(0, (at + before - k + s) / s); }; // window with it
            for (int h = first(v); h < c.dy.height && h * s - before <= v; ++h)
                for (int w = first(u); w < c.dy.width && w * s - before <= u; ++w)
                    if (first_largest(n, h, w, i) == (v - h * s + before) * k + u - w * s + before)
                        sum += c.dy.at<Real>(n, h, w)[i];
            return sum;
        });
    });
}

template <class Real> void input_gradient(basic_reference<Real>, pool_mean, const gradient_call& c) {
    const Real share = Real(1 / (double(c.x[0].height) * c.x[0].width));
    each_pixel(c, [&](int n, int v, int u) {
        const Real* dy = c.dy.at<Real>(n, 0, 0); // (C)
        put_gradient<Real>(c, 0, n, v, u, [&](int i) { return dy[i] * share; });
    });
}

template <class Real> void input_gradient(basic_reference<Real>, multiply_matrix, const gradient_call& c) {
    const Real* m = c.weight<Real>(0); // (O,I)
    const int inputs = c.dx[0].channels;
    each_pixel(c, [&](int n, int h, int w) {
        const Real* dy = c.dy.at<Real>(n, h, w); // (O)
        put_gradient<Real>(c, 0, n, h, w, [&](int i) {
            Real sum = 0;
            for (int o = 0; o < c.dy.channels; ++o) sum += m[o * inputs + i] * dy[o];
            return sum;
        });
    });
}
template <class Real> void weight_gradient(basic_reference<Real>, multiply_matrix, const gradient_call& c) {
    Real *dm = c.weight_gradient<Real>(0), *db = c.weight_gradient<Real>(1); // (O,I), (O): +=
    const int inputs = c.x[0].channels;
    each_pixel(c, [&](int n, int h, int w) {
        const Real *x = c.x[0].at<Real>(n, h, w), *dy = c.dy.at<Real>(n, h, w); // (I), (O)
        for (int o = c.outputs.begin; o < c.outputs.end; ++o) {
            if (db) db[o] += dy[o];
            for (int i = 0; i < inputs; ++i) dm[o * inputs + i] += dy[o] * x[i];
        }
    });
}

} // namespace fovea
