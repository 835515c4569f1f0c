// Sums over the pixels of a call for each channel: gradients of biases and scales, and statistics of a batch.
//
// F has `static constexpr int sums`, `add(part, position, channel, double (&)[sums])` and `put(part, channel, const
// double (&)[sums])`. A block handles a few channels; its threads share the pixels, and their partial sums are added in
// a fixed order. Sums are in double because they may have millions of terms. With scratch memory the pixels are also
// divided into strips, by their number alone, so that a few channels suffice to fill a GPU; add_strips adds the strips.
#pragma once
#include <algorithm>

#include "fovea/backend/cuda/blocks.hpp"
#include "fovea/backend/cuda/view.hpp"

namespace fovea {

template <class F> struct channel_sums {
    static constexpr int threads = 256, channels = 32, rows = threads / channels;
    struct shared {
        double of[rows][channels][F::sums];
    };
    using own = nothing_kept;

    F f;
    device_area area;
    int begin, end, parts; // channels; parts: sums of a channel that F tells apart, such as taps of a filter
    double* strip_sums;    // (strips, parts, end - begin, F::sums); null: one strip
    int strips, span;      // span: pixels of a strip

    template <class Call>
    channel_sums(const Call& c, range of_channels, const F& function, int parts_of_channel = 1, void* scratch = nullptr)
        : f(function),
          area(c),
          begin(of_channels.begin),
          end(of_channels.end),
          parts(parts_of_channel),
          strip_sums(static_cast<double*>(scratch)),
          strips(scratch ? strips_for(area.pixels()) : 1),
          span((area.pixels() + strips - 1) / strips) {
        if (strips == 1) strip_sums = nullptr;
    }

    static int strips_for(double pixels) { return int(std::clamp(pixels / 2048, 1., 128.)); }
    static std::size_t scratch_for(double pixels, int all_channels, int parts_of_channel = 1) {
        const auto numbers = std::size_t(parts_of_channel) * std::size_t(all_channels) * F::sums;
        return std::size_t(strips_for(pixels)) * numbers * sizeof(double);
    }

    FOVEA_HOST_DEVICE int groups() const { return (end - begin + channels - 1) / channels; }
    FOVEA_HOST_DEVICE double* strip_sum(int strip, int part, int c) const {
        return strip_sums + ((std::ptrdiff_t(strip) * parts + part) * (end - begin) + c - begin) * F::sums;
    }
    int blocks() const { return blocks_for(std::ptrdiff_t(strips) * parts * groups(), 1); }
    FOVEA_HOST_DEVICE int phases() const { return 2; }
    FOVEA_HOST_DEVICE void operator()(int phase, int block, int thread, shared& s, own&) const {
        const int lane = thread % channels, row = thread / channels, part = block % parts,
                  c = begin + block / parts % groups() * channels + lane, strip = block / (parts * groups()),
                  pixels = area.images * area.rows * area.columns, first = strip * span,
                  last = first + span < pixels ? first + span : pixels;
        if (c >= end) return;
        double sums[F::sums] = {};
        if (phase == 0) {
            for (int i = first + row; i < last; i += rows) f.add(part, area.at(i), c, sums);
            for (int k = 0; k < F::sums; ++k) s.of[row][lane][k] = sums[k];
        } else if (row == 0) {
            for (auto& of_row : s.of)
                for (int k = 0; k < F::sums; ++k) sums[k] += of_row[lane][k];
            if (!strip_sums) return f.put(part, c, sums);
            for (int k = 0; k < F::sums; ++k) strip_sum(strip, part, c)[k] = sums[k];
        }
    }
};

// Adds the sums of all strips, with one thread for each channel and part.
template <class F> struct add_strips {
    static constexpr int threads = 256;
    using shared = nothing_kept;
    using own = nothing_kept;

    channel_sums<F> of;

    int blocks() const { return blocks_for(std::ptrdiff_t(of.parts) * (of.end - of.begin), threads); }
    FOVEA_HOST_DEVICE int phases() const { return 1; }
    FOVEA_HOST_DEVICE void operator()(int, int block, int thread, shared&, own&) const {
        const int i = block * threads + thread, part = i % of.parts, c = of.begin + i / of.parts;
        if (c >= of.end) return;
        double sums[F::sums] = {};
        for (int strip = 0; strip < of.strips; ++strip)
            for (int k = 0; k < F::sums; ++k) sums[k] += of.strip_sum(strip, part, c)[k];
        of.f.put(part, c, sums);
    }
};

// Sums of dy: the gradient of a bias.
struct bias_gradient {
    static constexpr int sums = 1;
    device_view dy; // (N,H,W,C)
    float* db;      // (C), +=
    FOVEA_HOST_DEVICE void add(int, pixel_position p, int c, double (&sum)[1]) const { sum[0] += double(dy.get(p, c)); }
    FOVEA_HOST_DEVICE void put(int, int c, const double (&sum)[1]) const { db[c] += float(sum[0]); }
};

struct slope_gradient {
    static constexpr int sums = 1;
    device_view x, dy; // (N,H,W,C)
    float* dslope;     // (C), +=
    FOVEA_HOST_DEVICE void add(int, pixel_position p, int c, double (&sum)[1]) const {
        const float v = x.get(p, c);
        if (!(v > 0)) sum[0] += double(v * dy.get(p, c));
    }
    FOVEA_HOST_DEVICE void put(int, int c, const double (&sum)[1]) const { dslope[c] += float(sum[0]); }
};

} // namespace fovea
