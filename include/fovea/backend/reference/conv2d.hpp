#pragma once
#include <cmath>

#include "fovea/backend/reference/backend.hpp"
#include "fovea/ops/conv2d.hpp"

namespace fovea {

namespace detail {

// sum over the inputs of one output channel, without bias; w (I/groups, K, K) of that channel
template <class Real> Real convolve_at(const call& c, const Real* w, int n, int h, int column, int first_input) {
    const int k = c.a.kernel, half = k / 2;
    const window& x = c.x[0];
    Real sum = 0;
    for (int i = 0; i < k; ++i)
        for (int j = 0; j < k; ++j) {
            const int v = h * c.a.stride + (i - half) * c.a.dilation,
                      u = column * c.a.stride + (j - half) * c.a.dilation;
            if (v < 0 || v >= x.height || u < 0 || u >= x.width) continue;
            const Real* in = x.at<Real>(n, v, u) + first_input;
            for (int q = 0; q < c.dims[1]; ++q) sum += w[(q * k + i) * k + j] * in[q];
        }
    return sum;
}

template <class Real, class A> void convolve(const call& c) {
    const int outputs = c.dims[0], inputs = c.dims[1], per_group = outputs / c.a.groups;
    const Real *w = c.weight<Real>(0), *b = c.weight<Real>(1); // (O, I/groups, K, K), (O)
    each_pixel(c, [&](int n, int h, int column) {
        Real* y = c.y.at<Real>(n, h, column); // (O)
        const Real* skip = c.x[1] ? c.x[1].at<Real>(n, h, column) : nullptr;
        for (int o = 0; o < outputs; ++o) {
            Real sum = convolve_at(c, w + std::size_t(o) * std::size_t(inputs * c.a.kernel * c.a.kernel), n, h, column,
                                   o / per_group * inputs);
            y[o] = A::f(sum + (b ? b[o] : 0)) + (skip ? skip[o] : 0);
        }
    });
}

} // namespace detail

template <class Real, class A> void forward(basic_reference<Real>, conv2d<A>, const call& c) {
    detail::convolve<Real, A>(c);
}
template <class Real, class A> void forward(basic_reference<Real>, depthwise_conv2d<A>, const call& c) {
    detail::convolve<Real, A>(c);
}

template <class Real> void prepare(basic_reference<Real>, normalise_weight, const preparation_call& c) {
    const std::size_t outputs = std::size_t(c.dims[0][0]), each = count(c.dims[0]) / outputs;
    const Real *v = c.weight<Real>(0), *g = c.weight<Real>(1); // (O,I,K,K), (O)
    Real* w = static_cast<Real*>(c.out);                       // (O,I,K,K)
    for (std::size_t o = 0; o < outputs; ++o) {
        double square = 0;
        for (std::size_t i = 0; i < each; ++i) square += double(v[o * each + i]) * double(v[o * each + i]);
        const double scale = double(g[o]) / std::sqrt(square);
        for (std::size_t i = 0; i < each; ++i) w[o * each + i] = Real(double(v[o * each + i]) * scale);
    }
}

} // namespace fovea
