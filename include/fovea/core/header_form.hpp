// The library comes in two forms with the same contents: the folder include/fovea, to which this file belongs, and
// single_include/fovea, whose files each hold many headers. A translation unit must use only one of them.
#pragma once

#ifdef FOVEA_SINGLE_HEADER
#error "fovea: headers of include/fovea after one of single_include/fovea: use one form of the library in a source file"
#include "fovea: stop here, one error is enough"
#endif
#define FOVEA_HEADER_FOLDER 1
