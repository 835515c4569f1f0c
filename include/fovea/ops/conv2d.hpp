// y = f(conv(x, w) + b) + skip: cross-correlation, zero padding of kernel/2 * dilation on every side, less
// `offset`.
//
// x (N,H,W,I), w (O, I/groups, K, K), b (O,1,1,1) or absent, y and skip (N,H',W',O) with H' = ceil((H - 2 offset) /
// stride). K is odd. depthwise_conv2d is the same with groups = I = O, its own type because its kernels are.
#pragma once
#include "fovea/ops/activation.hpp"

namespace fovea {

template <class Activation> struct conv2d {};
template <class Activation> struct depthwise_conv2d {};

// y = (conv(x, w) + b) gate, for inference: depthwise, gate of y's shape.
struct gated_depthwise_conv2d {};

// w = g v / ||v||, one norm for each output channel; v (O,I,K,K), g (O,1,1,1). Salimans and Kingma 2016, arXiv
// 1602.07868.
struct normalise_weight {};

} // namespace fovea
