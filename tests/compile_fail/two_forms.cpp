// expect: fovea: headers of include/fovea after one of single_include/fovea: use one form of the library in a source file
#include "../../single_include/fovea/fovea.hpp"
#include "fovea/zoo/pretrained.hpp"
