// The kernels of one instruction set, defined in a translation unit that is compiled for it. A set has all kernels, or
// has some and inherits the others from another set. Sets are constants: no code of a set runs before it is chosen.
#pragma once
#if defined(FOVEA_DISPATCH_CHOOSES)
#include "fovea/backend/cpu/kernel_table.hpp"
#else
#include "fovea/backend/cpu/kernels.hpp"
#endif

// A table of the kernels in one of the lists of kernel_list.hpp, for a set's own translation unit. Its other entries
// are null.
#define FOVEA_KERNEL_TABLE_OF(list) \
    ::fovea::kernel_table { .name = FOVEA_ISA_NAME, list(FOVEA_DETAIL_ENTRY) }
#define FOVEA_DETAIL_ENTRY(kernel_name, type) .kernel_name = &::fovea::FOVEA_ISA::kernel_name,

namespace fovea::detail {

struct kernel_set {
    kernel_table own;                     // null entries: inherited
    const kernel_set* inherits = nullptr; // null: the set has all kernels itself
};

extern const kernel_set avx512fp16_set, avx512vnni_set, avx512_set, avx2_set, neon_set, baseline_set;

} // namespace fovea::detail
