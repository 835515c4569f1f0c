#pragma once
#include <cmath>
#include <vector>

#include "fovea/backend/reference/backend.hpp"
#include "fovea/ops/conv2d.hpp"

namespace fovea {

namespace detail {

// Returns the sum over the inputs of one output channel, without bias; w: the (I/groups, K, K) weights of that channel.
template <class Real> Real convolve_at(const call& c, const Real* w, int n, int h, int column, int first_input) {
    const int k = c.a.kernel, half = k / 2;
    const window& x = c.x[0];
    Real sum = 0;
    for (int i = 0; i < k; ++i)
        for (int j = 0; j < k; ++j) {
            const int v = h * c.a.stride + c.a.offset + (i - half) * c.a.dilation,
                      u = column * c.a.stride + c.a.offset + (j - half) * c.a.dilation;
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

namespace detail {

// Calls f(output row, output column, tap) for every output that reads the input pixel (v, u).
template <class F> void each_output_of(const gradient_call& c, int v, int u, F f) {
    const int k = c.a.kernel, half = k / 2, s = c.a.stride;
    for (int i = 0; i < k; ++i)
        for (int j = 0; j < k; ++j) {
            const int h = v - c.a.offset - (i - half) * c.a.dilation, w = u - c.a.offset - (j - half) * c.a.dilation;
            if (h < 0 || w < 0 || h % s || w % s || h / s >= c.dy.height || w / s >= c.dy.width) continue;
            f(h / s, w / s, i * k + j);
        }
}

template <class Real> void convolution_input_gradient(const gradient_call& c) {
    const int taps = c.a.kernel * c.a.kernel, outputs = c.dims[0] / c.a.groups, inputs = c.dims[1]; // in one group
    const Real* w = c.weight<Real>(0);                     // (O, I/groups, K, K)
    std::vector<Real> sums(std::size_t(c.dx[0].channels)); // (I)
    each_pixel(c, [&](int n, int v, int u) {
        std::fill(sums.begin(), sums.end(), Real(0));
        each_output_of(c, v, u, [&](int h, int column, int tap) {
            const Real* dy = c.dy.at<Real>(n, h, column); // (O)
            for (int o = 0; o < c.dims[0]; ++o)
                for (int i = 0; i < inputs; ++i)
                    sums[std::size_t(o / outputs * inputs + i)] +=
                        w[(std::ptrdiff_t(o) * inputs + i) * taps + tap] * dy[o];
        });
        put_gradient<Real>(c, 0, n, v, u, [&](int i) { return sums[std::size_t(i)]; });
    });
}

template <class Real> void convolution_weight_gradient(const gradient_call& c) {
    const int k = c.a.kernel, half = k / 2, outputs = c.dims[0] / c.a.groups, inputs = c.dims[1]; // in one group
    Real *dw = c.weight_gradient<Real>(0), *db = c.weight_gradient<Real>(1); // (O, I/groups, K, K), (O): +=
    const window& x = c.x[0];
    each_row(c, [&](int n, int h) {
        for (int w = 0; w < c.dy.width; ++w) {
            const Real* dy = c.dy.at<Real>(n, h, w); // (O)
            for (int o = c.outputs.begin; o < c.outputs.end; ++o) {
                if (db) db[o] += dy[o];
                for (int tap = 0; tap < k * k; ++tap) {
                    const int v = h * c.a.stride + c.a.offset + (tap / k - half) * c.a.dilation,
                              u = w * c.a.stride + c.a.offset + (tap % k - half) * c.a.dilation;
                    if (v < 0 || v >= x.height || u < 0 || u >= x.width) continue;
                    const Real* in = x.at<Real>(n, v, u) + o / outputs * inputs;
                    for (int i = 0; i < inputs; ++i)
                        dw[(std::ptrdiff_t(o) * inputs + i) * k * k + tap] += dy[o] * in[i];
                }
            }
        }
    });
}

} // namespace detail

// Without fused activations, because training keeps activations apart from their convolutions.
template <class Real> void input_gradient(basic_reference<Real>, conv2d<identity>, const gradient_call& c) {
    detail::convolution_input_gradient<Real>(c);
}
template <class Real> void weight_gradient(basic_reference<Real>, conv2d<identity>, const gradient_call& c) {
    detail::convolution_weight_gradient<Real>(c);
}
template <class Real> void input_gradient(basic_reference<Real>, depthwise_conv2d<identity>, const gradient_call& c) {
    detail::convolution_input_gradient<Real>(c);
}
template <class Real> void weight_gradient(basic_reference<Real>, depthwise_conv2d<identity>, const gradient_call& c) {
    detail::convolution_weight_gradient<Real>(c);
}

// dg = (dw . v) / ||v||, dv = g / ||v|| (dw - v (dw . v) / ||v||^2), for each output channel; both +=.
template <class Real> void gradient(basic_reference<Real>, normalise_weight, const preparation_gradient_call& c) {
    const std::size_t outputs = std::size_t(c.forward.dims[0][0]), each = count(c.forward.dims[0]) / outputs;
    const Real *v = c.forward.weight<Real>(0), *g = c.forward.weight<Real>(1), *dw = static_cast<const Real*>(c.dout);
    Real *dv = static_cast<Real*>(c.dw[0]), *dg = static_cast<Real*>(c.dw[1]);
    for (std::size_t o = 0; o < outputs; ++o, v += each, dw += each, dv += each) {
        double square = 0, product = 0;
        for (std::size_t i = 0; i < each; ++i) {
            square += double(v[i]) * double(v[i]);
            product += double(v[i]) * double(dw[i]);
        }
        const double norm = std::sqrt(square), scale = double(g[o]) / norm;
        dg[o] += Real(product / norm);
        for (std::size_t i = 0; i < each; ++i) dv[i] += Real(scale * (double(dw[i]) - double(v[i]) * product / square));
    }
}

} // namespace fovea
