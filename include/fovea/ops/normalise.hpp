// Normalisations: y = (x - mean) / sqrt(variance + epsilon) * w + b; w, b (C,1,1,1), x, y (N,H,W,C).
#pragma once

namespace fovea {

// Mean and variance over the channels of each pixel. Ba et al. 2016, arXiv 1607.06450.
struct layer_normalise {};

// Mean and variance of each channel: running estimates, weights w[2] and w[3]. Ioffe and Szegedy 2015, arXiv
// 1502.03167.
struct batch_normalise {};

} // namespace fovea
