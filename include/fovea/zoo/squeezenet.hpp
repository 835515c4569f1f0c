// The feature layers of SqueezeNet 1.1. Iandola et al. 2016, arXiv 1602.07360. Parameters are numbered as in published
// files: 0, 3.squeeze, 3.expand1x1, 3.expand3x3, ...
#pragma once
#include "fovea/layers/compose.hpp"
#include "fovea/layers/conv.hpp"
#include "fovea/layers/resize.hpp"

namespace fovea::zoo {

// Few channels, then as many again from single pixels as from their neighbourhoods.
template <int In, int Squeezed, int Expanded>
using fire = sequential<named<"squeeze", conv<In, Squeezed, 1, relu>>,
                        named<"", concat<named<"expand1x1", conv<Squeezed, Expanded, 1, relu>>,
                                         named<"expand3x3", conv<Squeezed, Expanded, 3, relu>>>>>;

namespace detail {
using squeezenet_pool = max_pool<3, 2, pool_options{.padding = 0, .covers = true}>;
}

// (N,H,W,3) to (N,H',W',512); `pass` stands where frameworks count an activation of its own.
using squeezenet_features =
    sequential<conv<3, 64, 3, relu, conv_options{.stride = 2, .padding = 0}>, pass, detail::squeezenet_pool,
               fire<64, 16, 64>, fire<128, 16, 64>, detail::squeezenet_pool, fire<128, 32, 128>, fire<256, 32, 128>,
               detail::squeezenet_pool, fire<256, 48, 192>, fire<384, 48, 192>, fire<384, 64, 256>, fire<512, 64, 256>>;

} // namespace fovea::zoo
