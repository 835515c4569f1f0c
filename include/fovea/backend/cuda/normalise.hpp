// Normalisations: y = (x - mean) / sqrt(variance + epsilon) * w + b.
#pragma once
#include <cmath>

#include "fovea/backend/cuda/value_kernel.hpp"

namespace fovea {

// Mean and 1 / deviation of a pixel's channels, computed by a team of threads: each sums its channels, and after a
// barrier each adds the sums of all. add_up, mean and scale must be separated by barriers of the block.
struct layer_moments {
    static constexpr int threads = 256, team = 16, pixels = threads / team;
    using sums = float[pixels][team];
    struct shared {
        sums values, squares;
    };

    device_numbers in; // (C)
    int channels, row, member;

    FOVEA_HOST_DEVICE void add_up(shared& s) const {
        float sum = 0;
        for (int c = member; c < channels; c += team) sum += in[c];
        s.values[row][member] = sum;
    }
    FOVEA_HOST_DEVICE float mean(shared& s) const {
        const float mean = mean_of(s.values);
        float sum = 0;
        for (int c = member; c < channels; c += team) sum += (in[c] - mean) * (in[c] - mean);
        s.squares[row][member] = sum;
        return mean;
    }
    FOVEA_HOST_DEVICE float scale(const shared& s, float epsilon) const {
        return 1 / sqrtf(mean_of(s.squares) + epsilon);
    }
    FOVEA_HOST_DEVICE float mean_of(const sums& of_members) const {
        float sum = 0;
        for (float v : of_members[row]) sum += v;
        return sum / float(channels);
    }
};

// LayerNorm over the channels of each pixel.
struct layer_normalise_kernel {
    static constexpr int threads = layer_moments::threads;
    using shared = layer_moments::shared;
    struct own {
        float mean;
    };

    device_view x, y;   // (N,H,W,C)
    const float *w, *b; // (C)
    float epsilon;
    device_area area;

    explicit layer_normalise_kernel(const call& c)
        : x(c.x[0]), y(c.y), w(c.weight<float>(0)), b(c.weight<float>(1)), epsilon(c.a.epsilon), area(c) {}

    int blocks() const { return blocks_for(area.pixels(), layer_moments::pixels); }
    FOVEA_HOST_DEVICE int phases() const { return 3; }
    FOVEA_HOST_DEVICE void operator()(int phase, int block, int thread, shared& s, own& o) const {
        constexpr int team = layer_moments::team;
        const int row = thread / team, pixel = block * layer_moments::pixels + row;
        if (pixel >= area.images * area.rows * area.columns) return;
        const pixel_position p = area.at(pixel);
        const layer_moments m{x.at(p), y.channels, row, thread % team};
        if (phase == 0)
            m.add_up(s);
        else if (phase == 1)
            o.mean = m.mean(s);
        else {
            const float scale = m.scale(s, epsilon);
            const device_numbers out = y.at(p); // (C)
            for (int c = m.member; c < m.channels; c += team) out.put(c, (m.in[c] - o.mean) * scale * w[c] + b[c]);
        }
    }
};

// BatchNorm: the mean and the scale, of the batch or, without it, from the running estimates.
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
        y.put(p, c, (x.get(p, c) - by.mean[c]) * by.scale(c) * w[c] + b[c]);
    }
};

} // namespace fovea
