// Apart from the tests, so that the compiler does not inline one of the pair and warn of a mismatch.
#include "checkpoint/allocated.hpp"

#include <cstdlib>
#include <new>

std::size_t fovea_test::allocated = 0;

void* operator new(std::size_t size) {
    fovea_test::allocated += size;
    if (void* memory = std::malloc(size ? size : 1)) return memory;
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
