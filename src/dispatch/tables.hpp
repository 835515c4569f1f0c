// One table of kernels per instruction set, each defined in a translation unit compiled for it. They are constants: no
// code of a set runs before it is chosen.
#pragma once
#if defined(FOVEA_DISPATCH_CHOOSES)
#include "fovea/backend/cpu/kernel_table.hpp"
#else
#include "fovea/backend/cpu/kernels.hpp"
#endif

namespace fovea::detail {
extern const kernel_table avx512vnni_kernels, avx512_kernels, avx2_kernels, neon_kernels, baseline_kernels;
}
