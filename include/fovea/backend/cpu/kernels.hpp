// All CPU kernels, for the instruction set that the compiler is given.
#pragma once
#include "fovea/backend/cpu/adam.hpp"
#include "fovea/backend/cpu/attention_block.hpp"
#include "fovea/backend/cpu/convolution.hpp"
#include "fovea/backend/cpu/convolution_gradient.hpp"
#include "fovea/backend/cpu/depthwise.hpp"
#include "fovea/backend/cpu/depthwise_gradient.hpp"
#include "fovea/backend/cpu/elementwise.hpp"
#include "fovea/backend/cpu/elementwise_gradient.hpp"
#include "fovea/backend/cpu/half.hpp"
#include "fovea/backend/cpu/half_convolution.hpp"
#include "fovea/backend/cpu/int8_convolution.hpp"
#include "fovea/backend/cpu/kernel_table.hpp"
#include "fovea/backend/cpu/normalise.hpp"
#include "fovea/backend/cpu/normalise_gradient.hpp"
#include "fovea/backend/cpu/pixel_shuffle.hpp"
#include "fovea/backend/cpu/pooling.hpp"
#include "fovea/backend/cpu/pooling_gradient.hpp"
#include "fovea/backend/cpu/upsample.hpp"
#include "fovea/backend/cpu/winograd.hpp"
#include "fovea/backend/cpu/winograd_weight_gradient.hpp"

namespace fovea::FOVEA_ISA {

constexpr kernel_table table_of_kernels() {
    return {.name = FOVEA_ISA_NAME,
            .convolution_scratch = convolution_scratch,
            .convolution = convolution,
            .packed_convolution_bytes = packed_convolution_bytes,
            .pack_convolution = pack_convolution,
            .winograd_scratch = winograd_scratch,
            .winograd = winograd,
            .packed_winograd_bytes = packed_winograd_bytes,
            .pack_winograd = pack_winograd,
            .int8_convolution_scratch = int8_convolution_scratch,
            .int8_convolution = int8_convolution,
            .packed_int8_convolution_bytes = packed_int8_convolution_bytes,
            .pack_int8_convolution = pack_int8_convolution,
            .half_convolution = &half_convolution,
            .depthwise = depthwise,
            .packed_depthwise_bytes = packed_depthwise_bytes,
            .pack_depthwise = pack_depthwise,
            .attention_block_supported = attention_block_supported,
            .attention_block_scratch = attention_block_scratch,
            .attention_block = attention_block,
            .packed_attention_block_bytes = packed_attention_block_bytes,
            .pack_attention_block = pack_attention_block,
            .layer_norm = layer_norm,
            .batch_norm = batch_norm,
            .activate = activate,
            .prelu = prelu,
            .add = add,
            .multiply = multiply,
            .pixel_shuffle = pixel_shuffle,
            .upsample_scratch = upsample_scratch,
            .upsample = upsample,
            .max_pool = max_pool,
            .global_average_pool = global_average_pool,
            .packed_convolution_gradient_bytes = packed_convolution_gradient_bytes,
            .pack_convolution_gradient = pack_convolution_gradient,
            .convolution_input_gradient_scratch = convolution_input_gradient_scratch,
            .convolution_input_gradient = convolution_input_gradient,
            .convolution_weight_gradient_scratch = convolution_weight_gradient_scratch,
            .convolution_weight_gradient = convolution_weight_gradient,
            .packed_depthwise_gradient_bytes = packed_depthwise_gradient_bytes,
            .pack_depthwise_gradient = pack_depthwise_gradient,
            .depthwise_input_gradient = depthwise_input_gradient,
            .depthwise_weight_gradient = depthwise_weight_gradient,
            .layer_norm_input_gradient = layer_norm_input_gradient,
            .layer_norm_weight_gradient = layer_norm_weight_gradient,
            .batch_norm_statistics = batch_norm_statistics,
            .batch_norm_gradient_statistics = batch_norm_gradient_statistics,
            .batch_norm_input_gradient = batch_norm_input_gradient,
            .batch_norm_weight_gradient = batch_norm_weight_gradient,
            .activate_gradient = activate_gradient,
            .prelu_input_gradient = prelu_input_gradient,
            .prelu_weight_gradient = prelu_weight_gradient,
            .multiply_gradient = multiply_gradient,
            .pixel_shuffle_gradient = pixel_shuffle_gradient,
            .max_pool_gradient = max_pool_gradient,
            .global_average_pool_gradient = global_average_pool_gradient,
            .update_by_adam = update_by_adam,
            .widen = widen,
            .narrow = narrow};
}

} // namespace fovea::FOVEA_ISA
