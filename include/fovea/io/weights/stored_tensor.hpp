// One tensor of a weight file, of any element type, and its conversion to and from floats.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "fovea/core/error.hpp"
#include "fovea/core/half.hpp"
#include "fovea/io/weights/dtype.hpp"

namespace fovea {

static_assert(std::endian::native == std::endian::little, "fovea's weight files are little-endian, as is their memory");

// Returns a text such as "(64,3,3,3)".
inline std::string text_of_shape(std::span<const std::int64_t> shape) {
    std::string text = "(";
    for (std::size_t i = 0; i < shape.size(); ++i) {
        if (i > 0) text += ',';
        text += std::to_string(shape[i]);
    }
    return text + ")";
}

// Returns the number of elements of `shape`; -1 if an extent is negative or the product exceeds 2^63 - 1.
inline std::int64_t element_count(std::span<const std::int64_t> shape) {
    bool empty = false;
    for (const std::int64_t extent : shape) {
        if (extent < 0) return -1;
        empty = empty || extent == 0;
    }
    if (empty) return 0;
    std::int64_t count = 1;
    for (const std::int64_t extent : shape) {
        if (count > std::numeric_limits<std::int64_t>::max() / extent) return -1;
        count *= extent;
    }
    return count;
}

// A contiguous tensor, the last axis fastest. Weights of convolutions: (out, in/groups, kernel height, kernel width).
struct stored_tensor {
    std::string name;
    dtype type = dtype::f32;
    std::vector<std::int64_t> shape;
    std::vector<std::byte> bytes; // element_count(shape) * bytes_of(type)

    // Number of elements.
    std::int64_t size() const { return element_count(shape); }
};

namespace detail {

// Calls convert(element, i) for each element of `tensor`, read as a T.
template <class T, class Convert> void for_each_element(const stored_tensor& tensor, Convert convert) {
    const std::size_t count = tensor.bytes.size() / sizeof(T);
    for (std::size_t i = 0; i < count; ++i) {
        T element;
        std::memcpy(&element, tensor.bytes.data() + i * sizeof(T), sizeof(T));
        convert(element, i);
    }
}

} // namespace detail

// Returns the elements as floats: exact for narrower types, rounded to nearest for wider ones.
inline std::vector<float> to_floats(const stored_tensor& tensor) {
    std::vector<float> floats(tensor.bytes.size() / bytes_of(tensor.type));
    const auto cast = [&](auto element, std::size_t i) { floats[i] = static_cast<float>(element); };
    switch (tensor.type) {
        case dtype::boolean:
        case dtype::u8:
            detail::for_each_element<std::uint8_t>(tensor, cast);
            break;
        case dtype::i8:
            detail::for_each_element<std::int8_t>(tensor, cast);
            break;
        case dtype::u16:
            detail::for_each_element<std::uint16_t>(tensor, cast);
            break;
        case dtype::i16:
            detail::for_each_element<std::int16_t>(tensor, cast);
            break;
        case dtype::u32:
            detail::for_each_element<std::uint32_t>(tensor, cast);
            break;
        case dtype::i32:
            detail::for_each_element<std::int32_t>(tensor, cast);
            break;
        case dtype::u64:
            detail::for_each_element<std::uint64_t>(tensor, cast);
            break;
        case dtype::i64:
            detail::for_each_element<std::int64_t>(tensor, cast);
            break;
        case dtype::f32:
            detail::for_each_element<float>(tensor, cast);
            break;
        case dtype::f64:
            detail::for_each_element<double>(tensor, cast);
            break;
        case dtype::f16:
            detail::for_each_element<std::uint16_t>(
                tensor, [&](std::uint16_t bits, std::size_t i) { floats[i] = float_from_half(bits); });
            break;
        case dtype::bf16:
            detail::for_each_element<std::uint16_t>(
                tensor, [&](std::uint16_t bits, std::size_t i) { floats[i] = float_from_bfloat16(bits); });
            break;
    }
    return floats;
}

// Makes a tensor of f32, f16 or bf16 (rounded to nearest even) from floats. Throws if their number does not match
// `shape`.
inline stored_tensor tensor_of(std::string name, std::vector<std::int64_t> shape, std::span<const float> floats,
                               dtype type = dtype::f32) {
    if (element_count(shape) != static_cast<std::int64_t>(floats.size()))
        fail("tensor ", name, ": ", floats.size(), " values were given for shape ", text_of_shape(shape));
    if (type != dtype::f32 && type != dtype::f16 && type != dtype::bf16)
        fail("tensor ", name, ": floats can be stored as F32, F16 or BF16, not as ", name_of(type));
    stored_tensor tensor{std::move(name), type, std::move(shape), {}};
    tensor.bytes.resize(floats.size() * bytes_of(type));
    if (type == dtype::f32) {
        if (!floats.empty()) std::memcpy(tensor.bytes.data(), floats.data(), tensor.bytes.size());
        return tensor;
    }
    for (std::size_t i = 0; i < floats.size(); ++i) {
        const std::uint16_t bits = type == dtype::f16 ? half_from_float(floats[i]) : bfloat16_from_float(floats[i]);
        std::memcpy(tensor.bytes.data() + 2 * i, &bits, 2);
    }
    return tensor;
}

} // namespace fovea
