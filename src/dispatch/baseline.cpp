#include "kernel_set.hpp"

namespace fovea::detail {
constinit const kernel_set baseline_set = {.own = FOVEA_KERNEL_TABLE_OF(FOVEA_CPU_KERNELS)};
}
