// The feature layers of SqueezeNet 1.1. Iandola et al. 2016, arXiv 1602.07360. Parameters are numbered as in
// torchvision's files: 0, 3.squeeze, 3.expand1x1, 3.expand3x3, ...
#pragma once
#include "fovea/layers/compose.hpp"
#include "fovea/layers/conv.hpp"
#include "fovea/layers/resize.hpp"

namespace fovea::zoo {

// A fire module: a 1x1 convolution to few channels, then a 1x1 and a 3x3 convolution side by side.
template <int In, int Squeezed, int Expanded>
using fire = sequential<named<"squeeze", conv<In, Squeezed, 1, relu>>,
                        named<"", concat<named<"expand1x1", conv<Squeezed, Expanded, 1, relu>>,
                                         named<"expand3x3", conv<Squeezed, Expanded, 3, relu>>>>>;

namespace detail {
using squeezenet_pool = max_pool<3, 2, pool_options{.padding = 0, .covers = true}>;
}

// Maps (N,H,W,3) to (N,H',W',512). Each `pass` fills the number of an activation that torchvision counts as a layer.
using squeezenet_features =
    sequential<conv<3, 64, 3, relu, conv_options{.stride = 2, .padding = 0}>, pass, detail::squeezenet_pool,
               fire<64, 16, 64>, fire<128, 16, 64>, detail::squeezenet_pool, fire<128, 32, 128>, fire<256, 32, 128>,
               detail::squeezenet_pool, fire<256, 48, 192>, fire<384, 48, 192>, fire<384, 64, 256>, fire<512, 64, 256>>;

} // namespace fovea::zoo
