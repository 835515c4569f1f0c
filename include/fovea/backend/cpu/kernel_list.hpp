// The CPU kernels, each named here and nowhere else. FOVEA_CPU_KERNELS(KERNEL) writes KERNEL(name, type) for every one
// of them; kernel_table, the tables of the instruction sets and the choice at run time are made of that.
//
// A new kernel is a function `name` in the namespace fovea::FOVEA_ISA, in a header that kernels.hpp includes, and one
// line here. A line without a function, or with one of another type, is a compile error that names the kernel. The
// header of a kernel says what it computes.
//
// Two groups have a list of their own, because an instruction set may have these kernels and inherit all others from
// another set (src/dispatch/kernel_set.hpp).
#pragma once
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

} // namespace fovea

// Kernels that sum products of 8-bit numbers.
#define FOVEA_CPU_INT8_KERNELS(KERNEL)                      \
    KERNEL(int8_convolution_scratch, scratch_size)          \
    KERNEL(int8_convolution, kernel)                        \
    KERNEL(packed_int8_convolution_bytes, preparation_size) \
    KERNEL(pack_int8_convolution, preparation_kernel)

// Kernels that multiply in half precision: half_convolution points to null pointers in a set that does not do so, the
// attention block does so where attributes::halves is set.
#define FOVEA_CPU_HALF_KERNELS(KERNEL)                     \
    KERNEL(half_convolution, const convolution_kernels*)   \
    KERNEL(attention_block_scratch, scratch_size)          \
    KERNEL(attention_block, kernel)                        \
    KERNEL(packed_attention_block_bytes, preparation_size) \
    KERNEL(pack_attention_block, preparation_kernel)

// Forward kernels; ops/kernel.hpp has their contract.
#define FOVEA_CPU_FORWARD_KERNELS(KERNEL)              \
    KERNEL(convolution_scratch, scratch_size)          \
    KERNEL(convolution, kernel)                        \
    KERNEL(packed_convolution_bytes, preparation_size) \
    KERNEL(pack_convolution, preparation_kernel)       \
    KERNEL(winograd_scratch, scratch_size)             \
    KERNEL(winograd, kernel)                           \
    KERNEL(packed_winograd_bytes, preparation_size)    \
    KERNEL(pack_winograd, preparation_kernel)          \
    KERNEL(depthwise, kernel)                          \
    KERNEL(packed_depthwise_bytes, preparation_size)   \
    KERNEL(pack_depthwise, preparation_kernel)         \
    KERNEL(layer_norm, kernel)                         \
    KERNEL(batch_norm, kernel)                         \
    KERNEL(activate, kernel)                           \
    KERNEL(prelu, kernel)                              \
    KERNEL(add, kernel)                                \
    KERNEL(multiply, kernel)                           \
    KERNEL(pixel_shuffle, kernel)                      \
    KERNEL(upsample_scratch, scratch_size)             \
    KERNEL(upsample, kernel)                           \
    KERNEL(max_pool, kernel)                           \
    KERNEL(global_average_pool, kernel)                \
    KERNEL(widen, widening)                            \
    KERNEL(narrow, narrowing)

// Kernels of training; ops/gradient_kernel.hpp has the contract of the backward ones, ops/adam_rule.hpp that of Adam's.
#define FOVEA_CPU_TRAINING_KERNELS(KERNEL)                        \
    KERNEL(packed_convolution_gradient_bytes, preparation_size)   \
    KERNEL(pack_convolution_gradient, preparation_kernel)         \
    KERNEL(convolution_input_gradient_scratch, gradient_scratch)  \
    KERNEL(convolution_input_gradient, gradient_kernel)           \
    KERNEL(convolution_weight_gradient_scratch, gradient_scratch) \
    KERNEL(convolution_weight_gradient, gradient_kernel)          \
    KERNEL(packed_depthwise_gradient_bytes, preparation_size)     \
    KERNEL(pack_depthwise_gradient, preparation_kernel)           \
    KERNEL(depthwise_input_gradient, gradient_kernel)             \
    KERNEL(depthwise_weight_gradient, gradient_kernel)            \
    KERNEL(layer_norm_input_gradient, gradient_kernel)            \
    KERNEL(layer_norm_weight_gradient, gradient_kernel)           \
    KERNEL(batch_norm_statistics, gradient_kernel)                \
    KERNEL(batch_norm_gradient_statistics, gradient_kernel)       \
    KERNEL(batch_norm_input_gradient, gradient_kernel)            \
    KERNEL(batch_norm_weight_gradient, gradient_kernel)           \
    KERNEL(activate_gradient, gradient_kernel)                    \
    KERNEL(prelu_input_gradient, gradient_kernel)                 \
    KERNEL(prelu_weight_gradient, gradient_kernel)                \
    KERNEL(multiply_gradient, gradient_kernel)                    \
    KERNEL(pixel_shuffle_gradient, gradient_kernel)               \
    KERNEL(max_pool_gradient, gradient_kernel)                    \
    KERNEL(global_average_pool_gradient, gradient_kernel)         \
    KERNEL(update_by_adam, adam_kernel)

#define FOVEA_CPU_KERNELS(KERNEL)     \
    FOVEA_CPU_FORWARD_KERNELS(KERNEL) \
    FOVEA_CPU_INT8_KERNELS(KERNEL)    \
    FOVEA_CPU_HALF_KERNELS(KERNEL)    \
    FOVEA_CPU_TRAINING_KERNELS(KERNEL)
