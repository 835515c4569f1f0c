// Operations that change the number of pixels.
#pragma once
#include "fovea/core/interpolation.hpp"

namespace fovea {

// Pixel shuffle: y[h r + i, w r + j, c] = x[h, w, c r r + i r + j]; x (N,H,W,C r r), y (N, H r, W r, C).
// Shi et al. 2016, arXiv 1609.05158.
struct shuffle_pixels {};

// Upsampling: y = upsampled x + skip; x (N,H,W,C), y and skip (N, H r, W r, C). Pixel centres are at half-integer
// coordinates and the border is replicated. Bicubic has a = -0.75 and no antialiasing, as frameworks upsample.
struct magnify {};

// The weight, along one axis, of a source pixel at distance d <= 2 of the position that an output pixel lies at;
// `nearest`: no source pixel is closer.
template <class Real>
FOVEA_INLINE FOVEA_HOST_DEVICE constexpr Real magnifying_weight(interpolation filter, Real d, bool nearest) {
    if (filter == interpolation::nearest) return nearest ? Real(1) : Real(0);
    if (filter == interpolation::bilinear) return d < 1 ? 1 - d : Real(0);
    return cubic_weight(d, Real(framework_cubic));
}

// Max pooling over K x K pixels, which count as minus infinity outside the image; x (N,H,W,C), y (N,H',W',C). The first
// window begins K/2 - offset pixels before the image.
struct pool_maximum {};

// Global average pooling: y is the mean over all pixels of each channel; x (N,H,W,C), y (N,1,1,C).
struct pool_mean {};

// Linear layer: y = w x + b for each pixel; x (N,H,W,I), w (O,I,1,1), b (O,1,1,1), y (N,H,W,O).
struct multiply_matrix {};

} // namespace fovea
