// Gradients of operations that change the number of pixels: each input pixel gathers from the outputs that read it.
#pragma once
#include "fovea/backend/cuda/resize.hpp"
#include "fovea/backend/cuda/value_gradient.hpp"

namespace fovea {

// dx = (result of `Of` for an input pixel).
template <class Of> struct gather_gradient {
    Of of;
    gradient_target to;
    FOVEA_HOST_DEVICE void operator()(pixel_position p, int c) const { to.put(p, c, of.at(p, c)); }
};

struct shuffled_gradient {
    device_view dy; // (N,H r,W r,C)
    int factor;
    FOVEA_HOST_DEVICE float at(pixel_position p, int c) const { // c: one of the C r r channels
        const int down = c / factor % factor, along = c % factor;
        return dy.get({p.image, p.row * factor + down, p.column * factor + along}, c / (factor * factor));
    }
};

struct magnified_gradient {
    device_view dy;    // (N,H r,W r,C)
    int height, width; // size of the input
    int factor;
    interpolation filter;
    FOVEA_HOST_DEVICE float at(pixel_position p, int c) const {
        float sum = 0;
        for (int v = first(p.row); v < end(p.row, dy.height); ++v) {
            const float down = share(v, p.row, height);
            if (down == 0) continue;
            for (int u = first(p.column); u < end(p.column, dy.width); ++u) {
                const float along = share(u, p.column, width);
                if (along != 0) sum += down * along * dy.get({p.image, v, u}, c);
            }
        }
        return sum;
    }

  private:
    // Range of the outputs that may read input `at`.
    FOVEA_HOST_DEVICE int first(int at) const { return at < 3 ? 0 : (at - 3) * factor; }
    FOVEA_HOST_DEVICE int end(int at, int size) const { return (at + 4) * factor < size ? (at + 4) * factor : size; }
    // The coefficient of input `at` in output `out`, including taps that are clamped to the border.
    FOVEA_HOST_DEVICE float share(int out, int at, int size) const {
        const magnifying_coefficients taps(filter, out, factor);
        float sum = 0;
        for (int t = 0; t < 4; ++t) {
            const int from = taps.first + t;
            if ((from < 0 ? 0 : from < size ? from : size - 1) == at) sum += taps.of(t);
        }
        return sum;
    }
};

// The gradient goes to the first of the largest pixels of each window, in row-major order.
struct maximum_gradient {
    device_view x, y, dy; // (N,H,W,C), (N,H',W',C)
    int kernel, stride, before;

    explicit maximum_gradient(const gradient_call& c)
        : x(c.x[0]), y(c.y), dy(c.dy), kernel(c.a.kernel), stride(c.a.stride), before(c.a.kernel / 2 - c.a.offset) {}

    FOVEA_HOST_DEVICE float at(pixel_position p, int c) const {
        float sum = 0;
        for (int h = first(p.row); h < dy.height && h * stride - before <= p.row; ++h)
            for (int w = first(p.column); w < dy.width && w * stride - before <= p.column; ++w)
                if (first_largest(p.image, h, w, c) ==
                    (p.row - h * stride + before) * kernel + p.column - w * stride + before)
                    sum += dy.get({p.image, h, w}, c);
        return sum;
    }

  private:
    // The first window that contains row or column `at`.
    FOVEA_HOST_DEVICE int first(int at) const {
        const int past = (at + before - kernel + stride) / stride;
        return past < 0 ? 0 : past;
    }
    FOVEA_HOST_DEVICE int first_largest(int n, int h, int w, int c) const { // returns the tap
        const float largest = y.get({n, h, w}, c);
        for (int t = 0; t < kernel * kernel; ++t) {
            const int v = h * stride + t / kernel - before, u = w * stride + t % kernel - before;
            if (!x.inside(v, u)) continue;
            const float in = y.data.rounded(x.get({n, v, u}, c));
            if (in == largest || in != in) return t;
        }
        return -1;
    }
};

struct mean_gradient {
    device_view dy; // (N,1,1,C)
    float share;    // 1 / number of pixels
    FOVEA_HOST_DEVICE float at(pixel_position p, int c) const { return dy.get({p.image, 0, 0}, c) * share; }
};

} // namespace fovea
