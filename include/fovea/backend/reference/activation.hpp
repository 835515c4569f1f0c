#pragma once
#include "fovea/backend/reference/backend.hpp"
#include "fovea/ops/activation.hpp"

namespace fovea {

template <class Real, class A> void forward(basic_reference<Real>, activate<A>, const call& c) {
    each_pixel(c, [&](int n, int h, int w) {
        const Real* x = c.x[0].at<Real>(n, h, w); // (C)
        Real* y = c.y.at<Real>(n, h, w);          // (C)
        for (int i = 0; i < c.y.channels; ++i) y[i] = A::f(x[i]);
    });
}

template <class Real> void forward(basic_reference<Real>, parametric_relu, const call& c) {
    const Real* slope = c.weight<Real>(0); // (C)
    each_pixel(c, [&](int n, int h, int w) {
        const Real* x = c.x[0].at<Real>(n, h, w); // (C)
        Real* y = c.y.at<Real>(n, h, w);          // (C)
        for (int i = 0; i < c.y.channels; ++i) y[i] = formula::leaky_relu(x[i], slope[i]);
    });
}

template <class Real, class A> void input_gradient(basic_reference<Real>, activate<A>, const gradient_call& c) {
    each_pixel(c, [&](int n, int h, int w) {
        const Real *x = c.x[0].at<Real>(n, h, w), *dy = c.dy.at<Real>(n, h, w); // (C)
        put_gradient<Real>(c, 0, n, h, w, [&](int i) { return A::d(x[i]) * dy[i]; });
    });
}

template <class Real> void input_gradient(basic_reference<Real>, parametric_relu, const gradient_call& c) {
    const Real* slope = c.weight<Real>(0); // (C)
    each_pixel(c, [&](int n, int h, int w) {
        const Real *x = c.x[0].at<Real>(n, h, w), *dy = c.dy.at<Real>(n, h, w); // (C)
        put_gradient<Real>(c, 0, n, h, w, [&](int i) { return x[i] > 0 ? dy[i] : slope[i] * dy[i]; });
    });
}
template <class Real> void weight_gradient(basic_reference<Real>, parametric_relu, const gradient_call& c) {
    Real* dslope = c.weight_gradient<Real>(0); // (C), +=
    each_pixel(c, [&](int n, int h, int w) {
        const Real *x = c.x[0].at<Real>(n, h, w), *dy = c.dy.at<Real>(n, h, w); // (C)
        for (int i = 0; i < c.dy.channels; ++i) dslope[i] += x[i] > 0 ? 0 : x[i] * dy[i];
    });
}

} // namespace fovea
