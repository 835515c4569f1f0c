// The library comes in two forms that hold the same: the folder include/fovea, which this file belongs to, and
// single_include/fovea, where each file holds many of these. A translation unit uses one of them.
#pragma once

#ifdef FOVEA_SINGLE_HEADER
#error "fovea: headers of include/fovea after one of single_include/fovea: use one form of the library in a source file"
#include "fovea: stop here, one error is enough"
#endif
#define FOVEA_HEADER_FOLDER 1
