// Convolution (cross-correlation, as frameworks have it): y = f(conv(x, w) + b) + skip.
//
//   x (N,H,W,I), w (O,I/groups,K,K) with K odd, b (O,1,1,1) or absent, y and skip (N,H',W',O)
//   H' = ceil((H - 2 offset) / stride)
//
// The zero padding on every side is K/2 * dilation - offset; offset 0 is "same" padding.
// depthwise_conv2d is the case groups = I = O, a type of its own because it has kernels of its own.
#pragma once
#include "fovea/ops/activation.hpp"

namespace fovea {

// The convolution, with an activation f in its epilogue.
template <class Activation> struct conv2d {};
template <class Activation> struct depthwise_conv2d {};

// y = (conv(x, w) + b) * gate, for inference: a depthwise convolution; gate has the shape of y.
struct gated_depthwise_conv2d {};

// Weight normalisation: w = g v / ||v||, with one norm for each output channel; w, v (O,I,K,K), g (O,1,1,1).
// Salimans and Kingma 2016, arXiv 1602.07868.
struct normalise_weight {};

} // namespace fovea
