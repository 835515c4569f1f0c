// AVX512-FP16 multiplies in half precision; a machine that has it has VNNI, too.
#include "kernel_set.hpp"

namespace fovea::detail {
constinit const kernel_set avx512fp16_set = {.own = FOVEA_KERNEL_TABLE_OF(FOVEA_CPU_HALF_KERNELS),
                                             .inherits = &avx512vnni_set};
}
