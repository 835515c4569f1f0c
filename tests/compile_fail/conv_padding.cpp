// expect: fovea: conv: padding must be at most kernel / 2 * dilation
#include "fovea/layers/compose.hpp"
#include "fovea/layers/conv.hpp"
using namespace fovea;
using net = sequential<conv<3, 12, 3, identity, conv_options{.padding = 2}>>;
static_assert(parameters_of<net>() > 0);
