// Normalisation layers; ops/normalise.hpp has the formula and the sources.
#pragma once
#include "fovea/graph/cost.hpp"
#include "fovea/layers/layer.hpp"
#include "fovea/ops/normalise.hpp"

namespace fovea {

// Layer normalisation over the channels of each pixel. Parameters: weight and bias, (C,1,1,1).
template <int C> struct layer_norm : maps<C, C> {
    template <class T, ratio S> static constexpr value<C, S> trace(T& t, value<C, S> x) {
        const int w = t.parameter("weight", {C, 1, 1, 1}, {.value = 1}), b = t.parameter("bias", {C, 1, 1, 1});
        return t.template emit<layer_normalise, C, S>(
            {.x = {x.id},
             .w = {w, b},
             .d = {.inputs_read = saves::first_input, .weights_read = saves::first_input, .in_place = true},
             .work = C * cost::layer_norm});
    }
};

// Batch normalisation of each channel. Inference uses the running estimates; training uses the statistics of the batch,
// unless training_options::batch_statistics switches that off. Parameters: weight and bias; buffers: running_mean and
// running_var; all (C,1,1,1).
template <int C> struct batch_norm : maps<C, C> {
    template <class T, ratio S> static constexpr value<C, S> trace(T& t, value<C, S> x) {
        const int w = t.parameter("weight", {C, 1, 1, 1}, {.value = 1}), b = t.parameter("bias", {C, 1, 1, 1});
        const int mean = t.buffer("running_mean", {C, 1, 1, 1}),
                  variance = t.buffer("running_var", {C, 1, 1, 1}, {.value = 1});
        return t.template emit<batch_normalise, C, S>({.x = {x.id},
                                                       .w = {w, b, mean, variance},
                                                       .d = {.inputs_read = saves::first_input,
                                                             .weights_read = saves::first_input,
                                                             .in_place = true,
                                                             .statistics = 4 * C},
                                                       .work = C * cost::batch_norm});
    }
};

static_assert(layer<layer_norm<48>> && layer<batch_norm<64>>);

} // namespace fovea
