#pragma once
#include <algorithm>

#include "fovea/backend/reference/backend.hpp"
#include "fovea/ops/arithmetic.hpp"

namespace fovea {

namespace detail {
template <class Real, class F> void combine(const call& c, F f) {
    each_pixel(c, [&](int n, int h, int w) {
        const Real *a = c.x[0].at<Real>(n, h, w), *b = c.x[1].at<Real>(n, h, w); // (C)
        Real* y = c.y.at<Real>(n, h, w);                                         // (C)
        for (int i = 0; i < c.y.channels; ++i) y[i] = f(a[i], b[i]);
    });
}
} // namespace detail

template <class Real> void forward(basic_reference<Real>, add, const call& c) {
    detail::combine<Real>(c, [](Real a, Real b) { return a + b; });
}
template <class Real> void forward(basic_reference<Real>, multiply, const call& c) {
    detail::combine<Real>(c, [](Real a, Real b) { return a * b; });
}

template <class Real> void input_gradient(basic_reference<Real>, multiply, const gradient_call& c) {
    each_pixel(c, [&](int n, int h, int w) {
        const Real *a = c.x[0].at<Real>(n, h, w), *b = c.x[1].at<Real>(n, h, w); // (C)
        const Real* dy = c.dy.at<Real>(n, h, w);                                 // (C)
        for (int i = 0; i < c.dy.channels; ++i) {
            const Real g[] = {b[i] * dy[i], a[i] * dy[i]}; // read before writing: dx[0] may be dy, or dx[1]
            for (std::size_t k = 0; k < 2; ++k)
                if (c.dx[k]) {
                    Real& dx = c.dx[k].at<Real>(n, h, w)[i];
                    dx = g[k] + (c.accumulates[k] ? dx : 0);
                }
        }
    });
}

template <class Real> void forward(basic_reference<Real>, concatenate, const call& c) {
    each_pixel(c, [&](int n, int h, int w) {
        Real* y = c.y.at<Real>(n, h, w); // (C + D)
        for (auto& x : c.x) y = std::copy_n(x.template at<Real>(n, h, w), x.channels, y);
    });
}
template <class Real> void input_gradient(basic_reference<Real>, concatenate, const gradient_call& c) {
    const int first = c.dy.channels - (c.dx[1] ? c.dx[1].channels : 0); // channels of x0
    each_pixel(c, [&](int n, int h, int w) {
        const Real* dy = c.dy.at<Real>(n, h, w); // (C + D)
        if (c.dx[0]) put_gradient<Real>(c, 0, n, h, w, [&](int i) { return dy[i]; });
        if (c.dx[1]) put_gradient<Real>(c, 1, n, h, w, [&](int i) { return dy[first + i]; });
    });
}

} // namespace fovea
