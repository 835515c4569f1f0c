// The feature layers of AlexNet in its one-column form, without the last pooling. Krizhevsky 2014, arXiv 1404.5997.
// Parameters are numbered as in torchvision's files: 0, 3, 6, 8, 10.
#pragma once
#include "fovea/layers/compose.hpp"
#include "fovea/layers/conv.hpp"
#include "fovea/layers/resize.hpp"

namespace fovea::zoo {

// Maps (N,H,W,3) to (N,H',W',256). Each `pass` fills the number of an activation that torchvision counts as a layer.
using alexnet_features = sequential<conv<3, 64, 11, relu, conv_options{.stride = 4, .padding = 2}>, pass,
                                    max_pool<3, 2, pool_options{.padding = 0}>, conv<64, 192, 5, relu>, pass,
                                    max_pool<3, 2, pool_options{.padding = 0}>, conv<192, 384, 3, relu>, pass,
                                    conv<384, 256, 3, relu>, pass, conv<256, 256, 3, relu>>;

} // namespace fovea::zoo
