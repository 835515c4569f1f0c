// expect: fovea: conv: groups must divide both in_channels and out_channels
#include "fovea/layers/compose.hpp"
#include "fovea/layers/conv.hpp"
using namespace fovea;
using net = sequential<conv<8, 12, 3, identity, conv_options{.groups = 3}>>;
static_assert(parameters_of<net>() > 0);
