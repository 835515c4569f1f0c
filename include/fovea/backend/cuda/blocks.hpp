// The form of a GPU kernel in this library: a functor over blocks and threads that is divided into phases. All threads
// of a block finish a phase before any begins the next.
//
//   struct some_kernel {
//       static constexpr int threads;              // threads of a block
//       struct shared {...};                       // shared memory of a block
//       struct own {...};                          // registers of a thread that are kept between phases
//       int phases() const;                        // may depend on the kernel's arguments, not on block or thread
//       void operator()(int phase, int block, int thread, shared&, own&) const;
//   };
//
// shared and own are uninitialised at first. The same functor runs on a GPU and, thread after thread, on the host,
// where tests compare it with the reference backend. So it contains no barrier, and no thread reads another's
// registers.
#pragma once
#include <climits>
#include <cstddef>
#include <cstring>
#include <memory>
#include <type_traits>

#include "fovea/core/config.hpp"
#include "fovea/core/error.hpp"

namespace fovea {

struct nothing_kept {};

// The resources of the device on which a kernel is launched.
struct device_limits {
    int multiprocessors = 0;
    std::size_t shared_bytes = 0; // shared memory of a block
};

// Returns the number of blocks of `each` that hold `count`. Throws if a launch cannot have that many.
inline int blocks_for(std::ptrdiff_t count, int each) {
    const std::ptrdiff_t blocks = (count + each - 1) / each;
    if (blocks > INT_MAX) fail("a kernel of ", count, " values: expected at most ", INT_MAX, " blocks of ", each);
    return int(blocks);
}

// Runs a kernel as loops on the host. Uninitialised memory is filled with bits that are NaN as float, so that tests
// notice reads of it.
template <class Kernel> void run_blocks_on_host(const Kernel& body, int blocks) {
    using shared = typename Kernel::shared;
    using own = typename Kernel::own;
    static_assert(std::is_trivially_copyable_v<shared> && std::is_trivially_copyable_v<own>);
    const auto memory = std::make_unique<shared>();
    const auto kept = std::make_unique<own[]>(std::size_t(Kernel::threads));
    for (int block = 0; block < blocks; ++block) {
        std::memset(static_cast<void*>(memory.get()), 0xff, sizeof(shared));
        std::memset(static_cast<void*>(kept.get()), 0xff, sizeof(own) * std::size_t(Kernel::threads));
        for (int phase = 0; phase < body.phases(); ++phase)
            for (int t = 0; t < Kernel::threads; ++t) body(phase, block, t, *memory, kept[std::size_t(t)]);
    }
}

} // namespace fovea
