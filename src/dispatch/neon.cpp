#include "tables.hpp"

namespace fovea::detail {
constinit const kernel_table neon_kernels = neon::table_of_kernels();
}
