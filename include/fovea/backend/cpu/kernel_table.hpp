// The CPU kernels of one instruction set, for choosing a set at run time. What each does stands in the header of its
// name in backend/cpu/.
#pragma once
#include <string_view>

#include "fovea/graph/kernel.hpp"

namespace fovea {

struct kernel_table {
    const char* name; // avx512vnni, avx512, avx2, neon, baseline

    kernel convolution;
    preparation_size packed_convolution_bytes;
    preparation_kernel pack_convolution;
    scratch_size winograd_scratch;
    kernel winograd;
    preparation_size packed_winograd_bytes;
    preparation_kernel pack_winograd;
    scratch_size int8_convolution_scratch;
    kernel int8_convolution;
    preparation_size packed_int8_convolution_bytes;
    preparation_kernel pack_int8_convolution;
    kernel depthwise;
    preparation_size packed_depthwise_bytes;
    preparation_kernel pack_depthwise;

    bool (*attention_block_supported)(int features, int hidden, int kernel);
    scratch_size attention_block_scratch;
    kernel attention_block;
    preparation_size packed_attention_block_bytes;
    preparation_kernel pack_attention_block;

    kernel layer_norm, batch_norm;
    kernel activate, prelu, add, multiply;
    kernel pixel_shuffle;
    scratch_size upsample_scratch;
    kernel upsample;
    kernel max_pool, global_average_pool;

    widening widen;
    narrowing narrow;
};

// The kernels for this machine, chosen once: the best set that it can run, or the one that the environment variable
// FOVEA_ISA names. Throws fovea::error where FOVEA_ISA names none that is built in and can run here. Defined in the
// library fovea::dispatch.
const kernel_table& dispatched_kernels();

// The kernels of one instruction set, or null where they are not built in or cannot run here. Also in fovea::dispatch.
const kernel_table* kernels_of(std::string_view instruction_set);

} // namespace fovea
