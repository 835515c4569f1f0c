// VapSR's attention block fused into one operation, for inference. Zhou et al. 2022, arXiv 2210.05960, figure 3.
//
//   a = GELU(proj_1(x))                                          kernel K, F -> A channels
//   y = proj_2(a * depthwise_dilated(depthwise(pointwise(a)))) + x
//   out = LayerNorm(y) over the F channels of each pixel
//
// x, out (N,H,W,F). Weights in this order, each followed by its bias:
//
//   proj_1 (A,F,K,K), pointwise (A,A,1,1), depthwise (A,1,5,5), depthwise_dilated (A,1,5,5) with dilation 3,
//   proj_2 (F,A,1,1), LayerNorm (F,1,1,1)
//
// Attributes read: kernel = K, hidden = A, epsilon.
#pragma once

namespace fovea {

// The operation: F = Features, A = Hidden, K = Kernel.
template <int Features, int Hidden, int Kernel> struct attention_block {};

} // namespace fovea
