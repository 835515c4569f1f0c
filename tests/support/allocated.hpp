// How much memory a piece of code holds, and how often it asks for some: this program's operator new counts.
#pragma once
#include <atomic>
#include <cstddef>

namespace fovea_test {

struct allocated_bytes {
    std::atomic<std::size_t> now = 0, most = 0; // most: since it was last set to `now`; for tests of one thread
    std::atomic<std::size_t> calls = 0;         // of operator new, from any thread
};
extern allocated_bytes allocated;

} // namespace fovea_test
