// expect: fovea: residual: the last layer must produce the channels and the size that the first takes
#include "fovea/layers/compose.hpp"
#include "fovea/layers/conv.hpp"
using namespace fovea;
using net = residual<conv<8, 16, 3>, conv<16, 4, 3>>;
static_assert(parameters_of<net>() > 0);
