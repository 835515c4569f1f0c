// Only products in half precision; the other kernels of this set are those of avx512vnni (dispatch.cpp).
#include "tables.hpp"

namespace fovea::detail {
constinit const half_kernels avx512fp16_half_kernels = {
    .convolution = avx512fp16::half_convolution,
    .attention_block = {.scratch = avx512fp16::attention_block_scratch,
                        .run = avx512fp16::attention_block,
                        .packed_bytes = avx512fp16::packed_attention_block_bytes,
                        .pack = avx512fp16::pack_attention_block},
};
}
