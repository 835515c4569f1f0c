// Apart from the tests, so that the compiler does not inline one of the pair and warn of a mismatch.
#include "checkpoint/allocated.hpp"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <new>

fovea_test::allocated_bytes fovea_test::allocated;

namespace {

void* counted(std::size_t size) noexcept {
    void* memory = std::malloc(size ? size : 1);
    auto& bytes = fovea_test::allocated;
    if (memory) bytes.now += malloc_usable_size(memory);
    bytes.most = std::max(bytes.most, bytes.now);
    return memory;
}

} // namespace

void* operator new(std::size_t size) {
    if (void* memory = counted(size)) return memory;
    throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return counted(size); }
void operator delete(void* memory) noexcept {
    if (memory) fovea_test::allocated.now -= malloc_usable_size(memory);
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { operator delete(memory); }
