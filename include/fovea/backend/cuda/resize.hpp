// Operations that change the number of pixels; ops/resize.hpp has the formulas.
#pragma once
#include <cmath>

#include "fovea/backend/cuda/value_kernel.hpp"
#include "fovea/ops/resize.hpp"

namespace fovea {

struct shuffle_values {
    device_view x; // (N,H,W,C r r)
    int factor;
    FOVEA_HOST_DEVICE float at(pixel_position p, int c) const {
        return x.get({p.image, p.row / factor, p.column / factor},
                     c * factor * factor + p.row % factor * factor + p.column % factor);
    }
};

// The first of the four source pixels around position `at` along one axis, and their coefficients. These are computed
// at each use, because storing them would take more registers than the last pass has.
struct magnifying_coefficients {
    interpolation filter;
    float beyond; // position beyond the second source pixel, in 0...1
    int first;

    FOVEA_HOST_DEVICE magnifying_coefficients(interpolation by, int at, int factor) : filter(by) {
        const float source = (float(at) + 0.5f) / float(factor) - 0.5f, below = floorf(source);
        beyond = source - below, first = int(below) - 1;
    }
    FOVEA_HOST_DEVICE float of(int i) const {
        return magnifying_weight(filter, fabsf(beyond - float(i - 1)), i == 1 + (beyond >= 0.5f));
    }
};

struct magnify_values {
    device_view x; // (N,H,W,C)
    int factor;
    interpolation filter;
    FOVEA_HOST_DEVICE float at(pixel_position p, int c) const {
        const magnifying_coefficients down(filter, p.row, factor), along(filter, p.column, factor);
        float sum = 0;
        for (int i = 0; i < 4; ++i)
            for (int j = 0; j < 4; ++j) {
                const float coefficient = down.of(i) * along.of(j);
                if (coefficient == 0) continue; // a pixel with coefficient 0 may not be in memory
                const int v = inside(down.first + i, x.height), u = inside(along.first + j, x.width);
                sum += coefficient * x.get({p.image, v, u}, c);
            }
        return sum;
    }

  private:
    FOVEA_HOST_DEVICE static int inside(int at, int size) { return at < 0 ? 0 : at < size ? at : size - 1; }
};

// y = (result of `Of` at a pixel) + skip.
template <class Of> struct gather_values {
    Of of;
    device_view skip, y; // (N,H,W,C), skip or absent
    FOVEA_HOST_DEVICE void operator()(pixel_position p, int c) const {
        const float v = of.at(p, c);
        y.put(p, c, skip ? v + skip.get(p, c) : v);
    }
};

struct maximum_of_pixels {
    device_view x; // (N,H,W,C)
    int kernel, stride, before;
    explicit maximum_of_pixels(const call& c)
        : x(c.x[0]), kernel(c.a.kernel), stride(c.a.stride), before(c.a.kernel / 2 - c.a.offset) {}
    FOVEA_HOST_DEVICE float at(pixel_position p, int c) const {
        float largest = -INFINITY;
        for (int i = 0; i < kernel; ++i)
            for (int j = 0; j < kernel; ++j) {
                const int v = p.row * stride + i - before, u = p.column * stride + j - before;
                if (!x.inside(v, u)) continue;
                const float in = x.get({p.image, v, u}, c);
                if (!(largest >= in)) largest = in; // NaN is kept
            }
        return largest;
    }
};

// y (N,1,1,C): the mean over all pixels. A block handles a few channels; its threads share the pixels, and their sums
// are added in a fixed order.
struct mean_of_pixels {
    static constexpr int threads = 256, channels = 32, rows = threads / channels;
    struct shared {
        double sums[rows][channels];
    };
    using own = nothing_kept;

    device_view x, y; // (N,H,W,C), (N,1,1,C)
    int first_image, images, blocks_of_image;

    explicit mean_of_pixels(const call& c)
        : x(c.x[0]),
          y(c.y),
          first_image(c.images.begin),
          images(c.images.size()),
          blocks_of_image(blocks_for(c.y.channels, channels)) {}

    int blocks() const { return images * blocks_of_image; }
    FOVEA_HOST_DEVICE int phases() const { return 2; }
    FOVEA_HOST_DEVICE void operator()(int phase, int block, int thread, shared& s, own&) const {
        const int n = first_image + block / blocks_of_image, lane = thread % channels, row = thread / channels,
                  c = block % blocks_of_image * channels + lane;
        if (c >= y.channels) return;
        double sum = 0;
        if (phase == 0) {
            for (int v = 0; v < x.height; ++v)
                for (int u = row; u < x.width; u += rows) sum += double(x.get({n, v, u}, c));
            s.sums[row][lane] = sum;
        } else if (row == 0) {
            for (auto& part : s.sums) sum += part[lane];
            y.put({n, 0, 0}, c, float(sum / (double(x.height) * x.width)));
        }
    }
};

} // namespace fovea
