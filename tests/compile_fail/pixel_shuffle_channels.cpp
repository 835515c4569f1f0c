// expect: fovea: pixel_shuffle<r>: channels must be a multiple of r * r
#include "fovea/layers/compose.hpp"
#include "fovea/layers/conv.hpp"
#include "fovea/layers/resize.hpp"
using namespace fovea;
using net = sequential<conv<3, 10, 3>, pixel_shuffle<2>>;
static_assert(parameters_of<net>() > 0);
