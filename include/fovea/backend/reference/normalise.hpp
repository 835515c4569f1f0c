#pragma once
#include <algorithm>
#include <cmath>

#include "fovea/backend/reference/backend.hpp"
#include "fovea/ops/normalise.hpp"

namespace fovea {

namespace detail {

template <class Real> struct moments_of { Real mean, inverse_deviation; };
template <class Real> moments_of<Real> moments(const Real* x, int channels, Real epsilon) {
    Real mean = 0, variance = 0;
    for (int i = 0; i < channels; ++i) mean += x[i] / Real(channels);
    for (int i = 0; i < channels; ++i) variance += (x[i] - mean) * (x[i] - mean) / Real(channels);
    return {mean, 1 / std::sqrt(variance + epsilon)};
}

// Calls f(value) for channel `i` of every pixel.
template <class Real, class F> void each_value(range images, const window& x, int i, F f) {
    for (int n = images.begin; n < images.end; ++n)
        for (int h = 0; h < x.height; ++h)
            for (int w = 0; w < x.width; ++w) f(x.at<Real>(n, h, w)[i]);
}

} // namespace detail

template <class Real> void forward(basic_reference<Real>, layer_normalise, const call& c) {
    const int channels = c.y.channels;
    const Real *w = c.weight<Real>(0), *b = c.weight<Real>(1); // (C)
    each_pixel(c, [&](int n, int h, int column) {
        const Real* x = c.x[0].at<Real>(n, h, column); // (C)
        Real* y = c.y.at<Real>(n, h, column);          // (C)
        const auto [mean, scale] = detail::moments(x, channels, Real(c.a.epsilon));
        for (int i = 0; i < channels; ++i) y[i] = (x[i] - mean) * scale * w[i] + b[i];
    });
}

namespace detail {

// Mean and 1 / deviation of batch normalisation: from the batch's statistics, or, without them, from the running
// estimates w[2] and w[3]. The statistics are C numbers each of: mean, 1 / deviation, and, for a backward pass, the
// means of dy and of dy times the normalised x.
template <class Real> class normaliser {
  public:
    template <class Call>
    normaliser(const Call& c, int channels)
        : batch_(static_cast<const Real*>(c.statistics)),
          mean_(batch_ ? batch_ : c.template weight<Real>(2)),
          second_(batch_ ? batch_ + channels : c.template weight<Real>(3)),
          epsilon_(Real(c.a.epsilon)) {}
    Real mean(int i) const { return mean_[i]; }
    Real inverse_deviation(int i) const { return batch_ ? second_[i] : 1 / std::sqrt(second_[i] + epsilon_); }

  private:
    const Real *batch_, *mean_, *second_;
    Real epsilon_;
};

} // namespace detail

template <class Real> void forward(basic_reference<Real>, batch_normalise, const call& c) {
    const Real *w = c.weight<Real>(0), *b = c.weight<Real>(1);
    const detail::normaliser<Real> by(c, c.y.channels);
    each_pixel(c, [&](int n, int h, int column) {
        const Real* x = c.x[0].at<Real>(n, h, column); // (C)
        Real* y = c.y.at<Real>(n, h, column);          // (C)
        for (int i = 0; i < c.y.channels; ++i) y[i] = (x[i] - by.mean(i)) * by.inverse_deviation(i) * w[i] + b[i];
    });
}

// With u = (x - mean) / deviation and g = dy w: dx = (g - mean of g - u mean of g u) / deviation.
template <class Real> void input_gradient(basic_reference<Real>, layer_normalise, const gradient_call& c) {
    const int channels = c.dy.channels;
    const Real* w = c.weight<Real>(0); // (C)
    each_pixel(c, [&](int n, int h, int column) {
        const Real *x = c.x[0].at<Real>(n, h, column), *dy = c.dy.at<Real>(n, h, column); // (C)
        const auto [mean, scale] = detail::moments(x, channels, Real(c.a.epsilon));
        Real sum = 0, product = 0;
        for (int i = 0; i < channels; ++i) {
            sum += dy[i] * w[i] / Real(channels);
            product += dy[i] * w[i] * (x[i] - mean) * scale / Real(channels);
        }
        put_gradient<Real>(c, 0, n, h, column, [&, mean = mean, scale = scale](int i) {
            return (dy[i] * w[i] - sum - (x[i] - mean) * scale * product) * scale;
        });
    });
}
template <class Real> void weight_gradient(basic_reference<Real>, layer_normalise, const gradient_call& c) {
    Real *dw = c.weight_gradient<Real>(0), *db = c.weight_gradient<Real>(1); // (C), +=
    each_pixel(c, [&](int n, int h, int column) {
        const Real *x = c.x[0].at<Real>(n, h, column), *dy = c.dy.at<Real>(n, h, column); // (C)
        const auto [mean, scale] = detail::moments(x, c.dy.channels, Real(c.a.epsilon));
        for (int i = 0; i < c.dy.channels; ++i) dw[i] += dy[i] * (x[i] - mean) * scale, db[i] += dy[i];
    });
}

template <class Real> void batch_statistics(basic_reference<Real>, batch_normalise, const gradient_call& c) {
    constexpr Real momentum = Real(0.1);
    const window& x = c.x[0];
    Real* out = static_cast<Real*>(c.statistics);
    Real *running_mean = c.weight_gradient<Real>(2), *running_variance = c.weight_gradient<Real>(3);
    const double pixels = double(c.images.size()) * x.height * x.width;
    for (int i = c.outputs.begin; i < c.outputs.end; ++i) {
        double sum = 0, square = 0;
        detail::each_value<Real>(c.images, x, i, [&](Real v) { sum += double(v); });
        const double mean = sum / pixels;
        detail::each_value<Real>(c.images, x, i, [&](Real v) { square += (double(v) - mean) * (double(v) - mean); });
        out[i] = Real(mean), out[x.channels + i] = Real(1 / std::sqrt(square / pixels + double(c.a.epsilon)));
        if (!running_mean) continue;
        running_mean[i] += momentum * (Real(mean) - running_mean[i]);
        running_variance[i] += momentum * (Real(square / std::max(pixels - 1, 1.)) - running_variance[i]);
    }
}
template <class Real> void gradient_statistics(basic_reference<Real>, batch_normalise, const gradient_call& c) {
    const int channels = c.dy.channels;
    Real* out = static_cast<Real*>(c.statistics);
    const double pixels = double(c.images.size()) * c.dy.height * c.dy.width;
    for (int i = c.outputs.begin; i < c.outputs.end; ++i) {
        double sum = 0, product = 0;
        for (int n = c.images.begin; n < c.images.end; ++n)
            for (int h = 0; h < c.dy.height; ++h)
                for (int w = 0; w < c.dy.width; ++w) {
                    const Real dy = c.dy.at<Real>(n, h, w)[i];
                    sum += double(dy);
                    product += double(dy) * double((c.x[0].at<Real>(n, h, w)[i] - out[i]) * out[channels + i]);
                }
        out[2 * channels + i] = Real(sum / pixels), out[3 * channels + i] = Real(product / pixels);
    }
}
template <class Real> void input_gradient(basic_reference<Real>, batch_normalise, const gradient_call& c) {
    const int channels = c.dy.channels;
    const Real *w = c.weight<Real>(0), *means = static_cast<const Real*>(c.statistics); // (C), (4C) or null
    const detail::normaliser<Real> by(c, channels);
    each_pixel(c, [&](int n, int h, int column) {
        const Real *x = c.x[0].at<Real>(n, h, column), *dy = c.dy.at<Real>(n, h, column); // (C)
        put_gradient<Real>(c, 0, n, h, column, [&](int i) {
            const Real scale = by.inverse_deviation(i), u = (x[i] - by.mean(i)) * scale;
            const Real centred = means ? dy[i] - means[2 * channels + i] - u * means[3 * channels + i] : dy[i];
            return w[i] * scale * centred;
        });
    });
}
template <class Real> void weight_gradient(basic_reference<Real>, batch_normalise, const gradient_call& c) {
    Real *dw = c.weight_gradient<Real>(0), *db = c.weight_gradient<Real>(1); // (C), +=
    const detail::normaliser<Real> by(c, c.dy.channels);
    each_pixel(c, [&](int n, int h, int column) {
        const Real *x = c.x[0].at<Real>(n, h, column), *dy = c.dy.at<Real>(n, h, column); // (C)
        for (int i = 0; i < c.dy.channels; ++i)
            dw[i] += dy[i] * (x[i] - by.mean(i)) * by.inverse_deviation(i), db[i] += dy[i];
    });
}

} // namespace fovea
