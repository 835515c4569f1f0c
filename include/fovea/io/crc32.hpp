// The CRC-32 of zip and PNG files (polynomial 0xEDB88320, reflected), eight bytes at a time.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace fovea::detail {

// tables[k][b] is the remainder of byte b followed by k zero bytes.
inline constexpr auto crc32_tables = [] {
    std::array<std::array<std::uint32_t, 256>, 8> tables{};
    for (std::uint32_t b = 0; b < 256; ++b) {
        std::uint32_t remainder = b;
        for (int bit = 0; bit < 8; ++bit) remainder = remainder >> 1 ^ (remainder & 1 ? 0xEDB88320u : 0);
        tables[0][b] = remainder;
    }
    for (std::size_t k = 1; k < 8; ++k)
        for (std::size_t b = 0; b < 256; ++b) tables[k][b] = tables[k - 1][b] >> 8 ^ tables[0][tables[k - 1][b] & 0xFF];
    return tables;
}();

inline std::uint32_t crc32_of(std::span<const std::byte> bytes) {
    const auto& t = crc32_tables;
    std::uint32_t remainder = 0xFFFFFFFFu;
    std::size_t i = 0;
    for (; i + 8 <= bytes.size(); i += 8) {
        std::uint32_t low, high;
        std::memcpy(&low, bytes.data() + i, 4);
        std::memcpy(&high, bytes.data() + i + 4, 4);
        low ^= remainder;
        remainder = t[7][low & 0xFF] ^ t[6][low >> 8 & 0xFF] ^ t[5][low >> 16 & 0xFF] ^ t[4][low >> 24] ^
                    t[3][high & 0xFF] ^ t[2][high >> 8 & 0xFF] ^ t[1][high >> 16 & 0xFF] ^ t[0][high >> 24];
    }
    for (; i < bytes.size(); ++i)
        remainder = remainder >> 8 ^ t[0][(remainder ^ static_cast<std::uint32_t>(bytes[i])) & 0xFF];
    return ~remainder;
}

} // namespace fovea::detail
