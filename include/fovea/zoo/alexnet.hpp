// The feature layers of AlexNet with one column. Krizhevsky 2014, arXiv 1404.5997. Parameters are numbered as in
// published files: 0, 3, 6, 8, 10. The last pooling is left out.
#pragma once
#include "fovea/layers/compose.hpp"
#include "fovea/layers/conv.hpp"
#include "fovea/layers/resize.hpp"

namespace fovea::zoo {

// (N,H,W,3) to (N,H',W',256); `pass` stands where frameworks count an activation of its own.
using alexnet_features = sequential<conv<3, 64, 11, relu, conv_options{.stride = 4, .padding = 2}>, pass,
                                    max_pool<3, 2, pool_options{.padding = 0}>, conv<64, 192, 5, relu>, pass,
                                    max_pool<3, 2, pool_options{.padding = 0}>, conv<192, 384, 3, relu>, pass,
                                    conv<384, 256, 3, relu>, pass, conv<256, 256, 3, relu>>;

} // namespace fovea::zoo
