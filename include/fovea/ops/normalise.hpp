// Normalisations: y = (x - mean) / sqrt(variance + epsilon) * w + b; x, y (N,H,W,C), w, b (C,1,1,1).
#pragma once

namespace fovea {

// Layer normalisation: mean and variance over the channels of each pixel. Ba et al. 2016, arXiv 1607.06450.
struct layer_normalise {};

// Batch normalisation: mean and variance of each channel. In inference they are running estimates, the weights w[2] and
// w[3]; in training they may be those of the batch. Ioffe and Szegedy 2015, arXiv 1502.03167.
struct batch_normalise {};

} // namespace fovea
