// VNNI makes 8-bit sums faster and nothing else.
#include "kernel_set.hpp"

namespace fovea::detail {
constinit const kernel_set avx512vnni_set = {.own = FOVEA_KERNEL_TABLE_OF(FOVEA_CPU_INT8_KERNELS),
                                             .inherits = &avx512_set};
}
