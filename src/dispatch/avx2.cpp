#include "tables.hpp"

namespace fovea::detail {
constinit const kernel_table avx2_kernels = avx2::table_of_kernels();
}
