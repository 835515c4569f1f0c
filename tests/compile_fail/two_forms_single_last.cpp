// expect: fovea: a header of single_include/fovea after those of include/fovea: use one form of the library in a source file
#include "../../single_include/fovea/pretrained.hpp"
#include "fovea/image/image.hpp"
