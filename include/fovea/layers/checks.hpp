// What one layer gives to the next, and the one sentence that the compiler says when they do not fit.
//
// Checked while tracing, never in a class body: a class whose static_assert failed is incomplete to clang, and one
// error becomes ten. After a failed check the trace goes on with the value that the layer would have produced.
#pragma once
#include "fovea/layers/layer.hpp"

namespace fovea {

template <int Channels> struct produces { static constexpr int channels = Channels; };
template <int Channels> struct expects { static constexpr int channels = Channels; };

template <class Before, class Produces, class Layer, class Expects> struct joined {
    static_assert(Produces::channels == Expects::channels,
                  "fovea: a layer expects other channels than what comes before it produces: "
                  "change the out_channels of the first or the in_channels of the second");
};

// The value that a layer makes of V.
template <class Layer, class V> using result = value<Layer::out_channels(V::channels), V::scale * Layer::scale>;
template <class Layer, class V>
inline constexpr bool fits = Layer::in_channels == any_channels || Layer::in_channels == V::channels;

} // namespace fovea
