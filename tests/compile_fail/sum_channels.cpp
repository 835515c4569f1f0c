// expect: fovea: sum: both branches must produce the same channels at the same scale
#include "fovea/layers/compose.hpp"
#include "fovea/layers/conv.hpp"
#include "fovea/layers/resize.hpp"
using namespace fovea;
using net = sum<sequential<conv<3, 12, 3>, pixel_shuffle<2>>, upsample<4>>;
static_assert(parameters_of<net>() > 0);
