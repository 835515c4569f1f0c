// One table of kernels for each instruction set, each defined in a translation unit that is compiled for it. The tables
// are constants, so that no code of a set runs before it is chosen.
#pragma once
#if defined(FOVEA_DISPATCH_CHOOSES)
#include "fovea/backend/cpu/kernel_table.hpp"
#else
#include "fovea/backend/cpu/kernels.hpp"
#endif

namespace fovea::detail {

extern const kernel_table avx512_kernels, avx2_kernels, neon_kernels, baseline_kernels;

// Tables of sets that differ from another set only in these kernels.
extern const convolution_kernels avx512vnni_int8_kernels;
struct half_kernels {
    convolution_kernels convolution, attention_block;
};
extern const half_kernels avx512fp16_half_kernels;

} // namespace fovea::detail
