// One table of kernels per instruction set, each defined in a translation unit compiled for it. They are constants: no
// code of a set runs before it is chosen.
#pragma once
#if defined(FOVEA_DISPATCH_CHOOSES)
#include "fovea/backend/cpu/kernel_table.hpp"
#else
#include "fovea/backend/cpu/kernels.hpp"
#endif

namespace fovea::detail {

extern const kernel_table avx512_kernels, avx2_kernels, neon_kernels, baseline_kernels;

// Of sets that differ from another in these alone.
extern const convolution_kernels avx512vnni_int8_kernels;
struct half_kernels {
    convolution_kernels convolution, attention_block;
};
extern const half_kernels avx512fp16_half_kernels;

} // namespace fovea::detail
