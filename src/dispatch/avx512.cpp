#include "tables.hpp"

namespace fovea::detail {
constinit const kernel_table avx512_kernels = avx512::table_of_kernels();
}
