// expect: fovea: repeat: a block must produce the channels and the size that it takes
#include "fovea/layers/compose.hpp"
#include "fovea/layers/conv.hpp"
using namespace fovea;
using net = repeat<3, conv<8, 16, 3>>;
static_assert(parameters_of<net>() > 0);
