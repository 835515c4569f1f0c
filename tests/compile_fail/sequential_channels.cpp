// expect: fovea: a layer expects other channels than what comes before it produces: change the out_channels of the first or the in_channels of the second
#include "fovea/layers/compose.hpp"
#include "fovea/layers/conv.hpp"
using namespace fovea;
using net = sequential<conv<3, 64, 3>, conv<32, 3, 3>>;
static_assert(parameters_of<net>() > 0);
