// y = (x - mean) / sqrt(variance + epsilon) * w + b.
#pragma once
#include <cmath>

#include "fovea/backend/cuda/value_kernel.hpp"

namespace fovea {

// Over the channels of each pixel, by `team` threads: they add up their channels, meet, and each adds the sums of all.
struct layer_normalise_kernel {
    static constexpr int threads = 256, team = 16, pixels = threads / team;
    struct shared {
        float sums[pixels][team], squares[pixels][team];
    };
    struct own {
        float mean;
    };

    device_view x, y;   // (N,H,W,C)
    const float *w, *b; // (C)
    float epsilon;
    device_area area;

    explicit layer_normalise_kernel(const call& c)
        : x(c.x[0]), y(c.y), w(c.weight<float>(0)), b(c.weight<float>(1)), epsilon(c.a.epsilon), area(c) {}

    int blocks() const { return blocks_for(area.pixels(), pixels); }
    FOVEA_HOST_DEVICE int phases() const { return 3; }
    FOVEA_HOST_DEVICE void operator()(int phase, int block, int thread, shared& s, own& o) const {
        const int member = thread % team, row = thread / team, pixel = block * pixels + row, channels = y.channels;
        if (pixel >= area.images * area.rows * area.columns) return;
        const pixel_position p = area.at(pixel);
        const float* in = x.at(p.image, p.row, p.column); // (C)
        if (phase == 0) {
            float sum = 0;
            for (int c = member; c < channels; c += team) sum += in[c];
            s.sums[row][member] = sum;
        } else if (phase == 1) {
            o.mean = total(s.sums[row]) / float(channels);
            float sum = 0;
            for (int c = member; c < channels; c += team) sum += (in[c] - o.mean) * (in[c] - o.mean);
            s.squares[row][member] = sum;
        } else {
            const float scale = 1 / sqrtf(total(s.squares[row]) / float(channels) + epsilon);
            float* out = y.at(p.image, p.row, p.column); // (C)
            for (int c = member; c < channels; c += team) out[c] = (in[c] - o.mean) * scale * w[c] + b[c];
        }
    }

  private:
    FOVEA_HOST_DEVICE static float total(const float (&of_members)[team]) {
        float sum = 0;
        for (float v : of_members) sum += v;
        return sum;
    }
};

// BatchNorm: what is subtracted and multiplied by, of the batch or without it the running estimates.
struct device_normaliser {
    const float *mean, *second; // (C)
    bool of_batch;
    float epsilon;

    template <class Call>
    device_normaliser(const Call& c, int channels)
        : mean(c.statistics ? static_cast<const float*>(c.statistics) : c.template weight<float>(2)),
          second(c.statistics ? mean + channels : c.template weight<float>(3)),
          of_batch(c.statistics != nullptr),
          epsilon(c.a.epsilon) {}
    FOVEA_HOST_DEVICE float scale(int c) const { return of_batch ? second[c] : 1 / sqrtf(second[c] + epsilon); }
};

struct batch_normalise_values {
    device_view x, y;   // (N,H,W,C)
    const float *w, *b; // (C)
    device_normaliser by;

    explicit batch_normalise_values(const call& c)
        : x(c.x[0]), y(c.y), w(c.weight<float>(0)), b(c.weight<float>(1)), by(c, c.y.channels) {}
    FOVEA_HOST_DEVICE void operator()(pixel_position p, int c) const {
        y.at(p.image, p.row, p.column)[c] =
            (x.at(p.image, p.row, p.column)[c] - by.mean[c]) * by.scale(c) * w[c] + b[c];
    }
};

} // namespace fovea
