// expect: fovea: conv: the kernel must be odd
#include "fovea/layers/compose.hpp"
#include "fovea/layers/conv.hpp"
using namespace fovea;
using net = sequential<conv<3, 8, 4>>;
static_assert(parameters_of<net>() > 0);
