// The element types of stored tensors.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fovea {

// The type of the elements of a stored tensor: integers (u, i), half precision, bfloat16 and floats, by bits.
enum class dtype : std::uint8_t { boolean, u8, i8, u16, i16, u32, i32, u64, i64, f16, bf16, f32, f64 };

// Returns the bytes of an element.
constexpr std::size_t bytes_of(dtype type) {
    switch (type) {
        case dtype::boolean:
        case dtype::u8:
        case dtype::i8:
            return 1;
        case dtype::u16:
        case dtype::i16:
        case dtype::f16:
        case dtype::bf16:
            return 2;
        case dtype::u32:
        case dtype::i32:
        case dtype::f32:
            return 4;
        case dtype::u64:
        case dtype::i64:
        case dtype::f64:
            return 8;
    }
    return 0;
}

// The name in safetensors, such as "F32" or "BOOL".
constexpr std::string_view name_of(dtype type) {
    constexpr std::string_view names[] = {"BOOL", "U8",  "I8",  "U16",  "I16", "U32", "I32",
                                          "U64",  "I64", "F16", "BF16", "F32", "F64"};
    return names[static_cast<std::size_t>(type)];
}

} // namespace fovea
