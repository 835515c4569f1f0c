// Only 8-bit sums, which VNNI speeds up; the other kernels of this set are those of avx512 (dispatch.cpp).
#include "tables.hpp"

namespace fovea::detail {
constinit const convolution_kernels avx512vnni_int8_kernels = {
    .scratch = avx512vnni::int8_convolution_scratch,
    .run = avx512vnni::int8_convolution,
    .packed_bytes = avx512vnni::packed_int8_convolution_bytes,
    .pack = avx512vnni::pack_int8_convolution,
};
}
