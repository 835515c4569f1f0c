// CRC-32C (Castagnoli's polynomial 0x1EDC6F41, reflected) as in RFC 3720, appendix B.4.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace fovea::detail {

inline constexpr auto crc32c_table = [] { // [b]: the remainder of byte b
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t b = 0; b < 256; ++b) {
        std::uint32_t remainder = b;
        for (int bit = 0; bit < 8; ++bit) remainder = remainder >> 1 ^ (remainder & 1 ? 0x82F63B78u : 0);
        table[b] = remainder;
    }
    return table;
}();

inline std::uint32_t crc32c_of(std::span<const std::byte> bytes) {
    std::uint32_t remainder = 0xFFFFFFFFu;
    for (const std::byte b : bytes)
        remainder = remainder >> 8 ^ crc32c_table[(remainder ^ std::to_integer<std::uint32_t>(b)) & 0xFF];
    return ~remainder;
}

} // namespace fovea::detail
