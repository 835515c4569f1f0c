// How much memory a piece of code asks for: this program's operator new counts.
#pragma once
#include <cstddef>

namespace fovea_test {

extern std::size_t allocated; // bytes asked for since it was last set to 0, freed or not; for tests of one thread

}
