// The precision of a model: what it computes with, and the format of its activations.
#pragma once
#include "fovea/core/half.hpp"

namespace fovea {

// float32           exact to rounding int8              inner convolutions in 8 bits (graph/quantise.hpp) bfloat16,
// float16 activations are kept in 16 bits between operations (graph/half_storage.hpp) and sums are in float32; on
//                   CPUs that can, float16 convolutions also multiply in half precision (graph/half_arithmetic.hpp)
// tensor_float32    on GPUs only: float32, but convolutions multiply numbers of 11 significant bits
enum class precision_kind { float32, int8, bfloat16, float16, tensor_float32 };

// The name that programs have for a precision, such as "bf16".
constexpr const char* name_of(precision_kind p) {
    switch (p) {
        case precision_kind::int8:
            return "int8";
        case precision_kind::bfloat16:
            return "bf16";
        case precision_kind::float16:
            return "fp16";
        case precision_kind::tensor_float32:
            return "tf32";
        default:
            return "float32";
    }
}

// The format in which a precision keeps activations between operations.
constexpr number_format stored_format(precision_kind p) {
    return p == precision_kind::bfloat16  ? number_format::bfloat16
           : p == precision_kind::float16 ? number_format::float16
                                          : number_format::float32;
}

} // namespace fovea
