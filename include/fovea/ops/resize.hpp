// Operations that change the number of pixels.
#pragma once

namespace fovea {

// Pixel shuffle: y[h r + i, w r + j, c] = x[h, w, c r r + i r + j]; x (N,H,W,C r r), y (N, H r, W r, C).
// Shi et al. 2016, arXiv 1609.05158.
struct shuffle_pixels {};

// Upsampling: y = upsampled x + skip; x (N,H,W,C), y and skip (N, H r, W r, C). Pixel centres are at half-integer
// coordinates and the border is replicated. Bicubic has a = -0.75 and no antialiasing, as frameworks upsample.
struct magnify {};

// Max pooling over K x K pixels, which count as minus infinity outside the image; x (N,H,W,C), y (N,H',W',C). The first
// window begins K/2 - offset pixels before the image.
struct pool_maximum {};

// Global average pooling: y is the mean over all pixels of each channel; x (N,H,W,C), y (N,1,1,C).
struct pool_mean {};

// Linear layer: y = w x + b for each pixel; x (N,H,W,I), w (O,I,1,1), b (O,1,1,1), y (N,H,W,O).
struct multiply_matrix {};

} // namespace fovea
