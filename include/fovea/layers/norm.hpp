// Normalisation layers.
#pragma once
#include "fovea/graph/cost.hpp"
#include "fovea/layers/layer.hpp"
#include "fovea/ops/normalise.hpp"

namespace fovea {

// Over the channels of each pixel. Parameters weight, bias (C,1,1,1).
template <int C> struct layer_norm : maps<C, C> {
    template <class T, ratio S> static constexpr value<C, S> trace(T& t, value<C, S> x) {
        const int w = t.parameter("weight", {C, 1, 1, 1}, {.value = 1}), b = t.parameter("bias", {C, 1, 1, 1});
        return t.template emit<layer_normalise, C, S>(
            {.x = {x.id},
             .w = {w, b},
             .d = {.inputs_read = first_input, .weights_read = first_input, .in_place = true},
             .work = C * cost::layer_norm});
    }
};

// Of each channel; in inference with running estimates, in training with those of the batch (which
// training_options::batch_statistics may switch off). Parameters weight, bias, buffers running_mean, running_var, all
// (C,1,1,1).
template <int C> struct batch_norm : maps<C, C> {
    template <class T, ratio S> static constexpr value<C, S> trace(T& t, value<C, S> x) {
        const int w = t.parameter("weight", {C, 1, 1, 1}, {.value = 1}), b = t.parameter("bias", {C, 1, 1, 1});
        const int mean = t.buffer("running_mean", {C, 1, 1, 1}),
                  variance = t.buffer("running_var", {C, 1, 1, 1}, {.value = 1});
        return t.template emit<batch_normalise, C, S>(
            {.x = {x.id},
             .w = {w, b, mean, variance},
             .d = {.inputs_read = first_input, .weights_read = first_input, .in_place = true, .statistics = 4 * C},
             .work = C * cost::batch_norm});
    }
};

static_assert(layer<layer_norm<48>> && layer<batch_norm<64>>);

} // namespace fovea
