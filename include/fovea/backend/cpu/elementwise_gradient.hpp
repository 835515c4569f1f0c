// Gradients of activations, prelu, products and pixel shuffles: dx = f'(x) dy, value by value.
//
//   x, dy, dx  (N,H,W,C), dx may be dy; = or +=     prelu: w (C), dw (C) +=
#pragma once
#include <cmath>

#include "fovea/backend/cpu/elementwise.hpp"
#include "fovea/ops/gradient_kernel.hpp"

namespace fovea::FOVEA_ISA {

// Phi(x), the probability that a normally distributed number is at most x, given e = exp(-x^2 / 2): formula 7.1.26 of
// Abramowitz and Stegun, whose error is 1.5e-7. With that of `exponential` the absolute error is below 1e-6 (measured:
// 8e-7).
FOVEA_INLINE vf approximate_normal_distribution(vf x, vf e) {
    const vf t = reciprocal(fma(broadcast(0.3275911f * 0.70710678f), xsimd::abs(x), broadcast(1.f)));
    constexpr float a[] = {0.254829592f, -0.284496736f, 1.421413741f, -1.453152027f, 1.061405429f};
    const vf upper = broadcast(0.5f) * polynomial(a, t) * t * e; // P(normal number > |x|)
    return xsimd::select(x < broadcast(0.f), upper, broadcast(1.f) - upper);
}

// The derivative of an activation, with an absolute error below 1e-6; slope is leaky_relu's. Formulas:
// ops/activation.hpp.
template <activation_kind Kind> FOVEA_INLINE vf derivative(vf x, float slope) {
    const vf zero = broadcast(0.f), one = broadcast(1.f);
    if constexpr (Kind == activation_kind::relu)
        return xsimd::select(x > zero, one, zero);
    else if constexpr (Kind == activation_kind::leaky_relu)
        return xsimd::select(x > zero, one, broadcast(slope));
    else if constexpr (Kind == activation_kind::silu) {
        const vf bounded = at_least(x, broadcast(-87.f)), s = approximate_sigmoid(bounded);
        return s * fma(bounded, one - s, one);
    } else if constexpr (Kind == activation_kind::gelu) {
        const vf e = exponential(broadcast(-0.5f) * x *
                                 x); // constant beyond the range of `exponential`, where x e is negligible
        return fma(x * broadcast(0.39894228f), e, approximate_normal_distribution(x, e));
    } else if constexpr (Kind == activation_kind::unit_range)
        return xsimd::select((x >= zero) && (x <= one), one, zero);
    else
        return one;
}

// The gradients of both inputs. f(vector of x[0], of x[1], of dy) gives a vector of each; an input that is absent reads
// as zeros, and a gradient that nobody wants is not written.
template <class F> FOVEA_INLINE void each_gradient_vector(const gradient_call& c, F f) {
    each_row(c, [&](int n, int y) {
        const float* dy = c.dy.at<const float>(n, y, c.cols.begin);
        const auto at = [&](const window& w) { return w ? w.at<float>(n, y, c.cols.begin) : nullptr; };
        float *const a = at(c.x[0]), *const b = at(c.x[1]), *const da = at(c.dx[0]), *const db = at(c.dx[1]);
        const int values = c.cols.size() * c.dy.channels;
        for (int i = 0; i < values; i += lanes) {
            const int n_here = std::min(lanes, values - i);
            const auto read = [&](const float* p) { return p ? load_first(p + i, n_here) : broadcast(0.f); };
            const auto [ga, gb] = f(read(a), read(b), load_first(dy + i, n_here)); // before either is written
            const auto put = [&](float* to, vf g, bool adds) {
                if (to) store_first(to + i, adds ? load_first(to + i, n_here) + g : g, n_here);
            };
            put(da, ga, c.accumulates[0]);
            put(db, gb, c.accumulates[1]);
        }
    });
}
struct two_gradients {
    vf first, second;
};

inline void activate_gradient(const gradient_call& c) {
    with_activation(c.a.activation, [&]<activation_kind Kind>() {
        each_gradient_vector(c, [&](vf x, vf, vf dy) {
            return two_gradients{derivative<Kind>(x, c.a.slope) * dy, dy};
        });
    });
}
inline void multiply_gradient(const gradient_call& c) {
    each_gradient_vector(c, [](vf a, vf b, vf dy) { return two_gradients{b * dy, a * dy}; });
}

// f(image, row, first channel, channels) for every row of a call and every vector of channels.
template <class F> FOVEA_INLINE void each_channel_row(const gradient_call& c, F f) {
    const int channels = c.dy.channels;
    each_row(c, [&](int n, int y) {
        for (int first = 0; first < channels; first += lanes) f(n, y, first, std::min(lanes, channels - first));
    });
}

inline void prelu_input_gradient(const gradient_call& c) {
    const int channels = c.dy.channels;
    each_channel_row(c, [&](int n, int y, int first, int k) {
        const vf slope = load_first(c.weight<float>(0) + first, k);
        const float* x = c.x[0].at<const float>(n, y, c.cols.begin) + first;
        const float* dy = c.dy.at<const float>(n, y, c.cols.begin) + first;
        float* dx = c.dx[0].at<float>(n, y, c.cols.begin) + first;
        for (int p = 0; p < c.cols.size(); ++p, x += channels, dy += channels, dx += channels) {
            const vf d = load_first(dy, k);
            const vf g = xsimd::select(load_first(x, k) > broadcast(0.f), d, d * slope);
            store_first(dx, c.accumulates[0] ? load_first(dx, k) + g : g, k);
        }
    });
}
inline void prelu_weight_gradient(const gradient_call& c) {
    const int channels = c.dy.channels;
    each_channel_row(c, [&](int n, int y, int first, int k) {
        const float* x = c.x[0].at<const float>(n, y, 0) + first;
        const float* dy = c.dy.at<const float>(n, y, 0) + first;
        vf sum = broadcast(0.f);
        for (int p = 0; p < c.dy.width; ++p, x += channels, dy += channels)
            sum = fma(at_most(load_first(x, k), broadcast(0.f)), load_first(dy, k), sum);
        float* dw = c.weight_gradient<float>(0) + first;
        store_first(dw, load_first(dw, k) + sum, k);
    });
}

inline void pixel_shuffle_gradient(const gradient_call& c) {
    const int r = c.a.factor, channels = c.dy.channels;
    each_row(c, [&](int n, int v) {
        for (int i = 0; i < r; ++i) {
            const float* dy = c.dy.at<const float>(n, v * r + i, c.cols.begin * r);
            float* dx = c.dx[0].at<float>(n, v, c.cols.begin) + i * r;
            for (int u = 0; u < c.cols.size(); ++u, dx += channels * r * r)
                for (int j = 0; j < r; ++j, dy += channels)
                    for (int k = 0; k < channels; ++k) {
                        float& to = dx[k * r * r + j];
                        to = dy[k] + (c.accumulates[0] ? to : 0.f);
                    }
        }
    });
}

} // namespace fovea::FOVEA_ISA
