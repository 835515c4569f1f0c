// What a model computes with, and keeps its activations in.
#pragma once
#include "fovea/core/half.hpp"

namespace fovea {

// float32 is exact to rounding; int8 computes inner convolutions in 8 bits (graph/quantise.hpp); bfloat16 and float16
// keep activations between operations in 16 bits (graph/half_storage.hpp), and sum in float32, but for convolutions in
// half precision on a CPU that has them (graph/half_arithmetic.hpp). tensor_float32, of a GPU alone, is float32 but for
// what convolutions multiply: 11 significant bits of each number.
enum class precision_kind { float32, int8, bfloat16, float16, tensor_float32 };

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

constexpr number_format stored_format(precision_kind p) {
    return p == precision_kind::bfloat16  ? number_format::bfloat16
           : p == precision_kind::float16 ? number_format::float16
                                          : number_format::float32;
}

} // namespace fovea
