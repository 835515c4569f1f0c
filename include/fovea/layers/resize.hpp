// Layers that change the number of pixels (pixel shuffle, upsampling, pooling), and the linear layer that follows a
// pooling. ops/resize.hpp has the formulas.
#pragma once
#include "fovea/graph/cost.hpp"
#include "fovea/layers/layer.hpp"
#include "fovea/ops/resize.hpp"

namespace fovea {

// Pixel shuffle: (N,H,W,C Factor^2) to (N,H Factor,W Factor,C).
template <int Factor> struct pixel_shuffle {
    static constexpr int in_channels = any_channels;
    static constexpr ratio scale{Factor};
    static constexpr int out_channels(int in) { return in / (Factor * Factor); }

    template <class T, int C, ratio S> static constexpr auto trace(T& t, value<C, S> x) {
        static_assert(C % (Factor * Factor) == 0, "fovea: pixel_shuffle<r>: channels must be a multiple of r * r");
        return t.template emit<shuffle_pixels, C / (Factor * Factor), S * ratio{Factor}>(
            {.x = {x.id}, .a = {.factor = Factor}, .reads = {.magnify = Factor}, .work = C / (Factor * Factor)});
    }
};

// Interpolation filters of `upsample`. `radius`: input pixels that an output pixel reads on either side.
struct nearest {
    static constexpr auto filter = interpolation::nearest;
    static constexpr int radius = 0;
};
struct bilinear {
    static constexpr auto filter = interpolation::bilinear;
    static constexpr int radius = 1;
};
struct bicubic {
    static constexpr auto filter = interpolation::bicubic;
    static constexpr int radius = 2;
};

// Upsampling by interpolation: (N,H,W,C) to (N,H Factor,W Factor,C).
template <int Factor, class Filter = bicubic> struct upsample {
    static constexpr int in_channels = any_channels;
    static constexpr ratio scale{Factor};
    static constexpr int out_channels(int in) { return in; }

    template <class T, int C, ratio S>
    static constexpr auto trace(T& t, value<C, S> x, value<C, S * ratio{Factor}> skip = {}) {
        return t.template emit<magnify, C, S * ratio{Factor}>({.x = {x.id, skip.id},
                                                               .a = {.factor = Factor, .filter = Filter::filter},
                                                               .reads = {.magnify = Factor, .radius = Filter::radius},
                                                               .d = {.passes = saves::second_input},
                                                               .work = C * cost::magnified_value(Filter::radius)});
    }
};

// Options of max_pool.
struct pool_options {
    int padding = same_padding; // on every side; padded pixels are never the maximum
    bool covers = false;        // "ceil mode": the last window may pass the end, so that every pixel is in a window
};

// Max pooling over Kernel x Kernel pixels.
template <int Kernel, int Stride, pool_options Options = pool_options{}> struct max_pool {
    static constexpr int in_channels = any_channels;
    static constexpr ratio scale{1, Stride};
    static constexpr int out_channels(int in) { return in; }
    static constexpr bool same = Options.padding == same_padding;
    static constexpr int offset = same ? 0 : Kernel / 2 - Options.padding;
    static constexpr int end = same             ? 0
                               : Options.covers ? Kernel / 2 + 1 - Options.padding - Stride
                                                : (Kernel - 1) / 2 - Options.padding;

    template <class T, int C, ratio S> static constexpr auto trace(T& t, value<C, S> x) {
        static_assert(Kernel % 2 == 1 || !same, "fovea: max_pool: the kernel must be odd, or padding given");
        static_assert(offset >= 0 && (!Options.covers || Stride <= Kernel - Options.padding),
                      "fovea: max_pool: padding must be at most kernel / 2, and no window may lie outside");
        return t.template emit<pool_maximum, C, S * ratio{1, Stride}>(
            {.x = {x.id},
             .a = {.kernel = Kernel, .stride = Stride, .offset = offset},
             .reads = {.stride = Stride, .radius = Kernel / 2, .offset = offset, .end = end},
             .d = {.inputs_read = saves::first_input | saves::its_output},
             .work = double(C) * Kernel * Kernel});
    }
};

// The mean over all pixels of each channel: (N,H,W,C) to (N,1,1,C).
struct global_average_pool {
    static constexpr int in_channels = any_channels;
    static constexpr ratio scale{0};
    static constexpr int out_channels(int in) { return in; }

    template <class T, int C, ratio S> static constexpr value<C, ratio{0}> trace(T& t, value<C, S> x) {
        return t.template emit<pool_mean, C, ratio{0}>({.x = {x.id}, .reads = {.whole = true}, .work = C});
    }
};

// Linear layer on each pixel, usually after global_average_pool. Parameters: weight (Out, In), bias (Out).
template <int In, int Out> struct linear : maps<In, Out> {
    template <class T, ratio S> static constexpr value<Out, S> trace(T& t, value<In, S> x) {
        const int w = t.parameter("weight", {Out, In, 1, 1}, {initial::kind::normal, In}, 2),
                  b = t.parameter("bias", {Out, 1, 1, 1});
        return t.template emit<multiply_matrix, Out, S>(
            {.x = {x.id}, .w = {w, b}, .d = {.weights_read = saves::first_input}, .work = double(In) * Out});
    }
};

static_assert(layer<pixel_shuffle<4>> && layer<upsample<4, bicubic>> && layer<max_pool<3, 2>> &&
              layer<global_average_pool> && layer<linear<2048, 1>>);

} // namespace fovea
