// expect: fovea: a layer expects other channels than what comes before it produces
#include "fovea/layers/compose.hpp"
#include "fovea/layers/conv.hpp"
using namespace fovea;
using net = sequential<named<"first", conv<3, 64, 3>>, repeat<4, residual<conv<64, 48, 3>, conv<64, 64, 3>>>>;
static_assert(parameters_of<net>() > 0);
