#pragma once
#include <cmath>

#include "fovea/backend/reference/backend.hpp"
#include "fovea/ops/normalise.hpp"

namespace fovea {

template <class Real> void forward(basic_reference<Real>, layer_normalise, const call& c) {
    const int channels = c.y.channels;
    const Real *w = c.weight<Real>(0), *b = c.weight<Real>(1); // (C)
    each_pixel(c, [&](int n, int h, int column) {
        const Real* x = c.x[0].at<Real>(n, h, column); // (C)
        Real* y = c.y.at<Real>(n, h, column);          // (C)
        Real mean = 0, variance = 0;
        for (int i = 0; i < channels; ++i) mean += x[i] / Real(channels);
        for (int i = 0; i < channels; ++i) variance += (x[i] - mean) * (x[i] - mean) / Real(channels);
        const Real scale = 1 / std::sqrt(variance + Real(c.a.epsilon));
        for (int i = 0; i < channels; ++i) y[i] = (x[i] - mean) * scale * w[i] + b[i];
    });
}

template <class Real> void forward(basic_reference<Real>, batch_normalise, const call& c) {
    const Real *w = c.weight<Real>(0), *b = c.weight<Real>(1), *mean = c.weight<Real>(2), *variance = c.weight<Real>(3);
    each_pixel(c, [&](int n, int h, int column) {
        const Real* x = c.x[0].at<Real>(n, h, column); // (C)
        Real* y = c.y.at<Real>(n, h, column);          // (C)
        for (int i = 0; i < c.y.channels; ++i)
            y[i] = (x[i] - mean[i]) / std::sqrt(variance[i] + Real(c.a.epsilon)) * w[i] + b[i];
    });
}

} // namespace fovea
