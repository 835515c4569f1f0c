// Apart from the tests, so that the compiler does not inline one of the pair and warn of a mismatch.
#include "support/allocated.hpp"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <new>

fovea_test::allocated_bytes fovea_test::allocated;

namespace {

void* counted(void* memory) noexcept {
    auto& bytes = fovea_test::allocated;
    if (memory) bytes.now += malloc_usable_size(memory);
    bytes.most = std::max(bytes.most.load(), bytes.now.load());
    ++bytes.calls;
    return memory;
}
void* allocate(std::size_t size) noexcept { return counted(std::malloc(size ? size : 1)); }
void* allocate(std::size_t size, std::align_val_t alignment) noexcept {
    const auto to = std::size_t(alignment);
    return counted(std::aligned_alloc(to, (size + to - 1) / to * to));
}
void release(void* memory) noexcept {
    if (memory) fovea_test::allocated.now -= malloc_usable_size(memory);
    std::free(memory);
}
void* or_throw(void* memory) {
    if (!memory) throw std::bad_alloc();
    return memory;
}

} // namespace

void* operator new(std::size_t size) { return or_throw(allocate(size)); }
void* operator new(std::size_t size, std::align_val_t alignment) { return or_throw(allocate(size, alignment)); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void operator delete(void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }
