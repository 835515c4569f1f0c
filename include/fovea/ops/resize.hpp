// Operations that change the number of pixels.
#pragma once

namespace fovea {

// y[h r + i, w r + j, c] = x[h, w, c r r + i r + j]; x (N,H,W,C r r), y (N, H r, W r, C). Shi et al. 2016, arXiv
// 1609.05158.
struct shuffle_pixels {};

// y = magnified x + skip: half-pixel centres, border replicated, bicubic with a = -0.75, no antialiasing, as
// deep-learning frameworks upsample; x (N,H,W,C), y and skip (N, H r, W r, C).
struct magnify {};

// The largest of K x K pixels, outside the image minus infinity; x (N,H,W,C), y (N,H',W',C). The first window begins
// K/2 less `offset` pixels before the image.
struct pool_maximum {};

// The mean over all pixels; x (N,H,W,C), y (N,1,1,C).
struct pool_mean {};

// y = w x + b for each pixel; x (N,H,W,I), w (O,I,1,1), b (O,1,1,1), y (N,H,W,O).
struct multiply_matrix {};

} // namespace fovea
