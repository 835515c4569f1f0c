// Checks that a layer accepts the channels that the layer before it produces, with one sentence from the compiler where
// it does not.
//
// The checks run while tracing, never in a class body: clang treats a class whose static_assert failed as incomplete,
// which turns one error into ten. After a failed check the trace goes on with the value that the layer would have
// produced.
#pragma once
#include "fovea/layers/layer.hpp"

namespace fovea {

// Tags that name the channels of two layers in the message of `joined`.
template <int Channels> struct produces { static constexpr int channels = Channels; };
template <int Channels> struct expects { static constexpr int channels = Channels; };

// Instantiating it fails to compile unless Layer expects the channels that Before produces.
template <class Before, class Produces, class Layer, class Expects> struct joined {
    static_assert(Produces::channels == Expects::channels,
                  "fovea: a layer expects other channels than what comes before it produces: "
                  "change the out_channels of the first or the in_channels of the second");
};

// The type of the value that Layer makes of a V.
template <class Layer, class V> using result = value<Layer::out_channels(V::channels), V::scale * Layer::scale>;
template <class Layer, class V>
inline constexpr bool fits = Layer::in_channels == any_channels || Layer::in_channels == V::channels;

} // namespace fovea
