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

} // namespace fovea
