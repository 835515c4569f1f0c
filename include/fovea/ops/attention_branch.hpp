// VapSR's attention block without its first convolution, fused into one operation, for inference, on backends that
// compute proj_1 as a convolution of its own. Zhou et al. 2022, arXiv 2210.05960, figure 3.
//
//   y = proj_2(a * depthwise_dilated(depthwise(pointwise(a)))) + x
//   out = LayerNorm(y) over the F channels of each pixel
//
// x[0] = a (N,H,W,A); x[1] = x and out (N,H,W,F). Weights in this order, each followed by its bias:
//
//   pointwise (A,A,1,1), depthwise (A,1,5,5), depthwise_dilated (A,1,5,5) with dilation 3, proj_2 (F,A,1,1),
//   LayerNorm (F,1,1,1)
//
// Attributes read: epsilon.
#pragma once

namespace fovea {

// The operation: F = Features, A = Hidden.
template <int Features, int Hidden> struct attention_branch {};

} // namespace fovea
