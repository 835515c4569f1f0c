// SuperCool: weight-normalised residual blocks with SiLU, plus an upsampled copy of the input.
//
//   z = encoder(input(x)); out = pixel_shuffle(decoder.conv(z)) + upsample(x), clamped to [0, 1] in inference
//
// Training does not clamp, because a clamp zeroes the gradients of saturated pixels.
#pragma once
#include "fovea/layers/compose.hpp"
#include "fovea/layers/conv.hpp"
#include "fovea/layers/resize.hpp"

namespace fovea::zoo {

// One block: x + conv2(silu(conv1(x))), with Channels * HiddenRatio channels inside.
template <int Channels, int HiddenRatio>
using supercool_block = residual<named<"conv1", weight_norm<conv<Channels, Channels * HiddenRatio, 3, silu>>>,
                                 named<"conv2", starts_small<weight_norm<conv<Channels * HiddenRatio, Channels, 3>>>>>;

// The two parts, from the image to features and from features to details, which are added to the upsampled input.
template <int Channels, int HiddenRatio, int Depth>
using supercool_features = sequential<named<"input", weight_norm<conv<3, Channels, 5>>>,
                                      named<"encoder", repeat<Depth, supercool_block<Channels, HiddenRatio>>>>;
template <int Channels, int Scale>
using supercool_details =
    sequential<named<"decoder", named<"conv", starts_small<weight_norm<conv<Channels, 3 * Scale * Scale, 3>>>>>,
               pixel_shuffle<Scale>>;

// Depth is a number or `dynamic`; then {"encoder", n} gives it at run time. Filter is bicubic or bilinear.
template <int Scale, int Channels, int HiddenRatio, int Depth, class Filter = bicubic>
using supercool = sequential<named<"", sum<sequential<named<"", supercool_features<Channels, HiddenRatio, Depth>>,
                                                      named<"", supercool_details<Channels, Scale>>>,
                                           upsample<Scale, Filter>>>,
                             clamp_in_inference>;

} // namespace fovea::zoo
