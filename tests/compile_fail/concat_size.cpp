// expect: fovea: concat: both branches must produce the same size
#include "fovea/layers/compose.hpp"
#include "fovea/layers/conv.hpp"
#include "fovea/layers/resize.hpp"
using namespace fovea;
using net = concat<sequential<conv<3, 12, 3>, pixel_shuffle<2>>, conv<3, 4, 3>>;
static_assert(parameters_of<net>() > 0);
