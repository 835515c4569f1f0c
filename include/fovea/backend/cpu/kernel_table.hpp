// The CPU kernels of one instruction set, for choosing a set at run time. What each does stands in the header of its
// name in backend/cpu/.
#pragma once
#include <string_view>

#include "fovea/ops/adam_rule.hpp"
#include "fovea/ops/gradient_kernel.hpp"

namespace fovea {

// One way to compute convolutions.
struct convolution_kernels {
    scratch_size scratch = nullptr;
    kernel run = nullptr;
    preparation_size packed_bytes = nullptr;
    preparation_kernel pack = nullptr;

    explicit operator bool() const { return run != nullptr; }
};

struct kernel_table {
    const char* name; // avx512fp16, avx512vnni, avx512, avx2, neon, baseline

    scratch_size convolution_scratch;
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
    const convolution_kernels* half_convolution; // of null pointers where this set does not multiply in half precision
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

    // Backward passes; contract: ops/gradient_kernel.hpp.
    preparation_size packed_convolution_gradient_bytes;
    preparation_kernel pack_convolution_gradient;
    gradient_scratch convolution_input_gradient_scratch;
    gradient_kernel convolution_input_gradient;
    gradient_scratch convolution_weight_gradient_scratch;
    gradient_kernel convolution_weight_gradient;
    preparation_size packed_depthwise_gradient_bytes;
    preparation_kernel pack_depthwise_gradient;
    gradient_kernel depthwise_input_gradient;
    gradient_kernel depthwise_weight_gradient;
    gradient_kernel layer_norm_input_gradient;
    gradient_kernel layer_norm_weight_gradient;
    gradient_kernel batch_norm_statistics;
    gradient_kernel batch_norm_gradient_statistics;
    gradient_kernel batch_norm_input_gradient;
    gradient_kernel batch_norm_weight_gradient;
    gradient_kernel activate_gradient;
    gradient_kernel prelu_input_gradient;
    gradient_kernel prelu_weight_gradient;
    gradient_kernel multiply_gradient;
    gradient_kernel pixel_shuffle_gradient;
    gradient_kernel max_pool_gradient;
    gradient_kernel global_average_pool_gradient;

    adam_kernel update_by_adam;

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
