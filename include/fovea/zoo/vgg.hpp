// The feature layers of VGG-16, without the last pooling. Simonyan and Zisserman 2015, arXiv 1409.1556. Parameters are
// numbered as in torchvision's files: 0, 2, 5, ... 28.
#pragma once
#include "fovea/layers/compose.hpp"
#include "fovea/layers/conv.hpp"
#include "fovea/layers/resize.hpp"

namespace fovea::zoo {

namespace detail {
using vgg_pool = max_pool<2, 2, pool_options{.padding = 0}>;
}

// Maps (N,H,W,3) to (N,H/16,W/16,512). Each `pass` fills the number of an activation that torchvision counts as a
// layer. The numbers on the right are those of the layers.
using vgg16_features =
    sequential<conv<3, 64, 3, relu>, pass, conv<64, 64, 3, relu>, pass, detail::vgg_pool,              // 0 to 4
               conv<64, 128, 3, relu>, pass, conv<128, 128, 3, relu>, pass, detail::vgg_pool,          // 5 to 9
               conv<128, 256, 3, relu>, pass, conv<256, 256, 3, relu>, pass, conv<256, 256, 3, relu>,  // 10 to 14
               pass, detail::vgg_pool,                                                                 // 15, 16
               conv<256, 512, 3, relu>, pass, conv<512, 512, 3, relu>, pass, conv<512, 512, 3, relu>,  // 17 to 21
               pass, detail::vgg_pool,                                                                 // 22, 23
               conv<512, 512, 3, relu>, pass, conv<512, 512, 3, relu>, pass, conv<512, 512, 3, relu>>; // 24 to 28

} // namespace fovea::zoo
