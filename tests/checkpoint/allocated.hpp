// How much memory a piece of code holds: this program's operator new counts.
#pragma once
#include <cstddef>

namespace fovea_test {

// For tests of one thread.
struct allocated_bytes {
    std::size_t now = 0, most = 0; // most: since it was last set to `now`
};
extern allocated_bytes allocated;

} // namespace fovea_test
