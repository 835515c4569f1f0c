#pragma once
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
            const Real g[] = {b[i] * dy[i], a[i] * dy[i]}; // before either is written: dx[0] may be dy, or dx[1]
            for (std::size_t k = 0; k < 2; ++k)
                if (c.dx[k]) {
                    Real& dx = c.dx[k].at<Real>(n, h, w)[i];
                    dx = g[k] + (c.accumulates[k] ? dx : 0);
                }
        }
    });
}

} // namespace fovea
