// Conversion of half precision and bfloat16 to and from float, on the bits. Widening is exact. Narrowing rounds to
// nearest, ties to even (IEEE 754-2019, section 4.3.1). Infinities, subnormals and signed zeros are preserved; a NaN
// becomes a quiet NaN.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>

namespace fovea {

// The format in which the numbers of a tensor are stored.
enum class number_format { float32, bfloat16, float16 };
constexpr std::size_t bytes_of(number_format f) { return f == number_format::float32 ? 4 : 2; }

// Converts the bits of a half-precision number to float. Exact.
constexpr float float_from_half(std::uint16_t half) {
    const std::uint32_t sign = std::uint32_t(half & 0x8000u) << 16;
    const std::uint32_t exponent = (half >> 10) & 0x1Fu;
    const std::uint32_t mantissa = half & 0x3FFu;
    if (exponent == 0x1F) return std::bit_cast<float>(sign | 0x7F800000u | mantissa << 13 | (mantissa ? 0x400000u : 0));
    if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f; // subnormal in half, exact and normal in float
    return sign ? -magnitude : magnitude;
}

// Returns the bits of the nearest half-precision number. Magnitudes from 65520 on become infinity.
constexpr std::uint16_t half_from_float(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000u);
    const std::uint32_t magnitude = bits & 0x7FFFFFFFu;
    if (magnitude > 0x7F800000u) return static_cast<std::uint16_t>(sign | 0x7E00u | (magnitude >> 13 & 0x1FFu));
    if (magnitude >= 0x477FF000u)
        return static_cast<std::uint16_t>(sign | 0x7C00u); // 65520 and above round to infinity
    if (magnitude < 0x33000000u) return sign;              // below 2^-25: rounds to zero
    std::uint32_t kept = 0, rest = 0, tie = 0;
    if (magnitude >= 0x38800000u) { // normal in half: 13 bits of the mantissa are dropped
        kept = (magnitude >> 13) - (112u << 10);
        rest = magnitude & 0x1FFFu;
        tie = 0x1000u;
    } else { // subnormal in half: in units of 2^-24
        const std::uint32_t mantissa = (magnitude & 0x7FFFFFu) | 0x800000u;
        const std::uint32_t shift = 126 - (magnitude >> 23);
        kept = mantissa >> shift;
        rest = mantissa & ((1u << shift) - 1);
        tie = 1u << (shift - 1);
    }
    if (rest > tie || (rest == tie && (kept & 1))) ++kept; // a carry into the exponent is the right result
    return static_cast<std::uint16_t>(sign | kept);
}

// Converts the bits of a bfloat16 number to float. Exact.
constexpr float float_from_bfloat16(std::uint16_t value) { return std::bit_cast<float>(std::uint32_t(value) << 16); }

// Returns the bits of the nearest bfloat16 number.
constexpr std::uint16_t bfloat16_from_float(float value) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return static_cast<std::uint16_t>(bits >> 16 | 0x40u);
    return static_cast<std::uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}

// Conversion for a format that is not float32.
constexpr float float_from_16_bits(number_format f, std::uint16_t value) {
    return f == number_format::float16 ? float_from_half(value) : float_from_bfloat16(value);
}
constexpr std::uint16_t float_to_16_bits(number_format f, float value) {
    return f == number_format::float16 ? half_from_float(value) : bfloat16_from_float(value);
}

} // namespace fovea
