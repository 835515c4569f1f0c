#include "tables.hpp"

namespace fovea::detail {
constinit const kernel_table baseline_kernels = baseline::table_of_kernels();
}
