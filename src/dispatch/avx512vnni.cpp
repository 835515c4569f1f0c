#include "tables.hpp"

namespace fovea::detail {
constinit const kernel_table avx512vnni_kernels = avx512vnni::table_of_kernels();
}
