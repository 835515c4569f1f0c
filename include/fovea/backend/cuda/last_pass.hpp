// Fuses the last operations of a network with the conversion to samples: pixel shuffle, adding the upsampled input,
// clamp, quantisation. Their results are not stored.
//
// Each step reads tensors, or the result of the step before at the same pixel and channel. A thread runs all steps for
// the channels of its pixel.
#pragma once
#include "fovea/backend/cuda/operations.hpp"
#include "fovea/backend/cuda/pixels.hpp"

namespace fovea {

struct last_step {
    enum class kind { activate, add, multiply, shuffle, magnify };
    kind what = kind::activate;
    device_view x[max_inputs]{}; // absent: the result of the step before
    bool has_second = false;
    int factor = 1;
    interpolation filter = interpolation::bicubic;
    device_activation activation{};

    FOVEA_HOST_DEVICE float operator()(float before, pixel_position p, int c) const {
        switch (what) {
            case kind::add:
                return input(0, before, p, c) + input(1, before, p, c);
            case kind::multiply:
                return input(0, before, p, c) * input(1, before, p, c);
            case kind::shuffle:
                return shuffle_values{x[0], factor}.at(p, c);
            case kind::magnify: {
                const float large = magnify_values{x[0], factor, filter}.at(p, c);
                return has_second ? large + input(1, before, p, c) : large;
            }
            default:
                return activation(input(0, before, p, c));
        }
    }

  private:
    FOVEA_HOST_DEVICE float input(int k, float before, pixel_position p, int c) const {
        return x[k] ? x[k].get(p, c) : before;
    }
};

struct last_pass {
    static constexpr int most_steps = 8;
    last_step steps[most_steps]{};
    int count = 0;
    store_samples store;

    FOVEA_HOST_DEVICE void operator()(pixel_position p, int) const {
        store(p, [&](int c) {
            float v = 0;
            for (int i = 0; i < count; ++i) v = steps[i](v, p, c);
            return v;
        });
    }
};

namespace detail {

// Returns whether the pass can compute an operation, and describes it as a step.
inline bool has_last_step(const operation& o, last_step& step) {
    step.has_second = o.x[1] >= 0;
    step.factor = o.a.factor, step.filter = o.a.filter, step.activation = {o.a.activation, o.a.slope};
    if (o.is<shuffle_pixels>())
        step.what = last_step::kind::shuffle;
    else if (o.is<magnify>())
        step.what = last_step::kind::magnify;
    else if (o.is<add>())
        step.what = last_step::kind::add;
    else if (o.is<multiply>())
        step.what = last_step::kind::multiply;
    else if (only_activates(o))
        step.what = last_step::kind::activate;
    else
        return false;
    return true;
}

// Returns whether operation `o` reads tensor t, and only at the output's own pixel.
inline bool reads_at_own_pixel(const operation& o, int t) {
    return (o.x[0] == t || o.x[1] == t) && !(o.x[0] == t && !o.reads.own_pixel());
}

} // namespace detail

// Returns the index of the first operation of the last pass, or the number of operations if there is none. Each of its
// operations but the first reads the one before at its own pixel, and nothing else reads that.
inline int first_of_last_pass(const graph& g) {
    const int n = int(g.operations.size());
    int first = n;
    while (first > 0 && n - first < last_pass::most_steps) {
        const operation& o = g.operations[std::size_t(first - 1)];
        last_step unused;
        if (!detail::has_last_step(o, unused)) break;
        if (first < n && !detail::reads_at_own_pixel(g.operations[std::size_t(first)], o.y)) break;
        const auto later = [&](int i) {
            const auto& x = g.operations[std::size_t(i)].x;
            return x[0] == o.y || x[1] == o.y;
        };
        bool alone = true;
        for (int i = first + 1; i < n; ++i) alone = alone && !later(i);
        if (!alone) break;
        --first;
    }
    return first;
}

} // namespace fovea
