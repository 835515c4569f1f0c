// All CPU kernels, for the instruction set that the compiler is given, checked against kernel_list.hpp.
#pragma once
#include <type_traits>

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

namespace fovea {

#define FOVEA_DETAIL_CHECK(kernel_name, type)                                              \
    static_assert(std::is_convertible_v<decltype(&::fovea::FOVEA_ISA::kernel_name), type>, \
                  "fovea: the CPU kernel " #kernel_name                                    \
                  " is not of the type that kernel_list.hpp gives "                        \
                  "it: " #type);
FOVEA_CPU_KERNELS(FOVEA_DETAIL_CHECK)
#undef FOVEA_DETAIL_CHECK

} // namespace fovea
