// Gradients of normalisations. The formulas use u = (x - mean) / deviation and g = dy w.
#pragma once
#include <cmath>

#include "fovea/backend/cuda/channel_sums.hpp"
#include "fovea/backend/cuda/normalise.hpp"
#include "fovea/backend/cuda/value_gradient.hpp"

namespace fovea {

// LayerNorm: dx = (g - mean of g - u mean of g u) / deviation. A team of threads handles a pixel, as in the forward
// kernel. If `moments` is set, the kernel writes mean and 1 / deviation of each pixel there instead of dx.
struct layer_gradient_kernel {
    static constexpr int threads = layer_moments::threads, team = layer_moments::team;
    struct shared {
        layer_moments::shared moments;
        layer_moments::sums gradients, products;
    };
    struct own {
        float mean, scale;
    };

    device_view x, dy; // (N,H,W,C)
    const float* w;    // (C)
    gradient_target to;
    float* moments; // (pixels, 2) or null
    int channels;
    float epsilon;
    device_area area;

    layer_gradient_kernel(const gradient_call& c, float* moments_instead)
        : x(c.x[0]),
          dy(c.dy),
          w(c.weight<float>(0)),
          to(c, 0),
          moments(moments_instead),
          channels(c.dy.channels),
          epsilon(c.a.epsilon),
          area(c) {}

    int blocks() const { return blocks_for(area.pixels(), layer_moments::pixels); }
    FOVEA_HOST_DEVICE int phases() const { return moments ? 3 : 4; }
    FOVEA_HOST_DEVICE void operator()(int phase, int block, int thread, shared& s, own& o) const {
        const int row = thread / team, pixel = block * layer_moments::pixels + row;
        if (pixel >= area.images * area.rows * area.columns) return;
        const pixel_position p = area.at(pixel);
        const layer_moments m{x.at(p), channels, row, thread % team};
        if (phase == 0)
            m.add_up(s.moments);
        else if (phase == 1)
            o.mean = m.mean(s.moments);
        else if (phase == 2) {
            o.scale = m.scale(s.moments, epsilon);
            if (!moments)
                sum_gradients(p, m, s, o);
            else if (m.member == 0)
                moments[2 * pixel] = o.mean, moments[2 * pixel + 1] = o.scale;
        } else
            finish(p, m, m.mean_of(s.gradients), m.mean_of(s.products), o);
    }

  private:
    FOVEA_HOST_DEVICE void sum_gradients(pixel_position p, const layer_moments& m, shared& s, const own& o) const {
        const device_numbers out = dy.at(p); // (C)
        float sum = 0, product = 0;
        for (int c = m.member; c < channels; c += team) {
            const float g = out[c] * w[c];
            sum += g, product += g * (m.in[c] - o.mean) * o.scale;
        }
        s.gradients[m.row][m.member] = sum, s.products[m.row][m.member] = product;
    }
    FOVEA_HOST_DEVICE void finish(pixel_position p, const layer_moments& m, float gradient, float product,
                                  const own& o) const {
        const device_numbers out = dy.at(p); // (C); read before writing, because dx may be dy
        for (int c = m.member; c < channels; c += team)
            to.put(p, c, (out[c] * w[c] - gradient - (m.in[c] - o.mean) * o.scale * product) * o.scale);
    }
};

struct layer_weight_gradient {
    static constexpr int sums = 2;
    device_view x, dy;    // (N,H,W,C)
    const float* moments; // moments of the call's pixels
    float *dw, *db;       // (C), +=
    device_area area;

    FOVEA_HOST_DEVICE void add(int, pixel_position p, int c, double (&sum)[2]) const {
        const int pixel = ((p.image - area.first_image) * area.rows + p.row - area.first_row) * area.columns +
                          p.column - area.first_column;
        const float g = dy.get(p, c);
        const float u = (x.get(p, c) - moments[2 * pixel]) * moments[2 * pixel + 1];
        sum[0] += double(g * u), sum[1] += double(g);
    }
    FOVEA_HOST_DEVICE void put(int, int c, const double (&sum)[2]) const {
        dw[c] += float(sum[0]), db[c] += float(sum[1]);
    }
};

// BatchNorm: computes the mean of each channel, or, with a known mean, 1 / deviation; also updates the running
// estimates if there are any.
struct batch_moment {
    static constexpr int sums = 1;
    device_view x;         // (N,H,W,C)
    float *mean, *inverse; // (C); inverse: null while the mean is computed
    float* running;        // (C), updated, or null
    double pixels;
    float epsilon;

    FOVEA_HOST_DEVICE void add(int, pixel_position p, int c, double (&sum)[1]) const {
        const double v = double(x.get(p, c));
        sum[0] += inverse ? (v - double(mean[c])) * (v - double(mean[c])) : v;
    }
    FOVEA_HOST_DEVICE void put(int, int c, const double (&sum)[1]) const {
        constexpr double momentum = 0.1;
        const double moment = sum[0] / pixels;
        if (inverse)
            inverse[c] = float(1 / sqrt(moment + double(epsilon)));
        else
            mean[c] = float(moment);
        if (!running) return;
        const double unbiased = inverse ? sum[0] / (pixels > 1 ? pixels - 1 : 1) : moment;
        running[c] = float((1 - momentum) * double(running[c]) + momentum * unbiased);
    }
};

struct batch_gradient_moments {
    static constexpr int sums = 2;
    device_view x, dy; // (N,H,W,C)
    float* statistics; // mean, 1 / deviation, and the means of dy and of dy u; (4C)
    double pixels;
    FOVEA_HOST_DEVICE void add(int, pixel_position p, int c, double (&sum)[2]) const {
        const float g = dy.get(p, c);
        sum[0] += double(g);
        sum[1] += double(g) * double((x.get(p, c) - statistics[c]) * statistics[dy.channels + c]);
    }
    FOVEA_HOST_DEVICE void put(int, int c, const double (&sum)[2]) const {
        for (int k = 0; k < 2; ++k) statistics[(2 + k) * dy.channels + c] = float(sum[k] / pixels);
    }
};

struct batch_gradient {
    device_view x, dy;      // (N,H,W,C)
    const float *w, *means; // (C), (2C) or null
    device_normaliser by;
    gradient_target to;
    FOVEA_HOST_DEVICE void operator()(pixel_position p, int c) const {
        const float g = dy.get(p, c), scale = by.scale(c), u = (x.get(p, c) - by.mean[c]) * scale;
        to.put(p, c, w[c] * scale * (means ? g - means[c] - u * means[dy.channels + c] : g));
    }
};

struct batch_weight_gradient {
    static constexpr int sums = 2;
    device_view x, dy; // (N,H,W,C)
    device_normaliser by;
    float *dw, *db; // (C), +=
    FOVEA_HOST_DEVICE void add(int, pixel_position p, int c, double (&sum)[2]) const {
        const float g = dy.get(p, c);
        sum[0] += double(g * (x.get(p, c) - by.mean[c]) * by.scale(c));
        sum[1] += double(g);
    }
    FOVEA_HOST_DEVICE void put(int, int c, const double (&sum)[2]) const {
        dw[c] += float(sum[0]), db[c] += float(sum[1]);
    }
};

} // namespace fovea
