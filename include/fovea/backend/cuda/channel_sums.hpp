// Sums over the pixels of a call, one for each channel: gradients of biases and scales, statistics of a batch.
//
// F has `static constexpr int sums`, `add(part, position, channel, double (&)[sums])` and
// `put(part, channel, const double (&)[sums])`. A block has a few channels; its threads share the pixels, and what each
// summed is added in one order. In double: a sum may have millions of terms.
#pragma once
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
    int begin, end, parts; // channels; sums of a channel that differ in what F adds, such as the taps of a filter

    template <class Call>
    channel_sums(const Call& c, range of_channels, const F& function, int parts_of_channel = 1)
        : f(function), area(c), begin(of_channels.begin), end(of_channels.end), parts(parts_of_channel) {}

    int blocks() const { return parts * blocks_for(end - begin, channels); }
    FOVEA_HOST_DEVICE int phases() const { return 2; }
    FOVEA_HOST_DEVICE void operator()(int phase, int block, int thread, shared& s, own&) const {
        const int lane = thread % channels, row = thread / channels, part = block % parts,
                  c = begin + block / parts * channels + lane;
        if (c >= end) return;
        double sums[F::sums] = {};
        if (phase == 0) {
            for (int i = row; i < area.images * area.rows * area.columns; i += rows) f.add(part, area.at(i), c, sums);
            for (int k = 0; k < F::sums; ++k) s.of[row][lane][k] = sums[k];
        } else if (row == 0) {
            for (auto& of_row : s.of)
                for (int k = 0; k < F::sums; ++k) sums[k] += of_row[lane][k];
            f.put(part, c, sums);
        }
    }
};

// sums of dy: the gradient of a bias.
struct bias_gradient {
    static constexpr int sums = 1;
    device_view dy; // (N,H,W,C)
    float* db;      // (C), +=
    FOVEA_HOST_DEVICE void add(int, pixel_position p, int c, double (&sum)[1]) const {
        sum[0] += double(dy.at(p.image, p.row, p.column)[c]);
    }
    FOVEA_HOST_DEVICE void put(int, int c, const double (&sum)[1]) const { db[c] += float(sum[0]); }
};

struct slope_gradient {
    static constexpr int sums = 1;
    device_view x, dy; // (N,H,W,C)
    float* dslope;     // (C), +=
    FOVEA_HOST_DEVICE void add(int, pixel_position p, int c, double (&sum)[1]) const {
        const float v = x.at(p.image, p.row, p.column)[c];
        if (!(v > 0)) sum[0] += double(v * dy.at(p.image, p.row, p.column)[c]);
    }
    FOVEA_HOST_DEVICE void put(int, int c, const double (&sum)[1]) const { dslope[c] += float(sum[0]); }
};

} // namespace fovea
