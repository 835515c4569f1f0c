// expect: fovea: a header of single_include/fovea after those of include/fovea: use one form of the library in a source file
#include "fovea/image/image.hpp"

#include "../../single_include/fovea/pretrained.hpp" // the order is the fault
