// PNM, binary gray (P5) and RGB (P6): a header of numbers and comments, then rows of samples of one byte, or of two
// with the high byte first where the largest value is above 255. Values are scaled to the full range of 8 or 16 bits.
//
// Own code, for stb_image neither scales nor puts the bytes of 16-bit samples in the machine's order.
#pragma once
#include <algorithm>
#include <cstdint>

#include "fovea/image/codec.hpp"
#include "fovea/image/format.hpp"

namespace fovea::detail {

// The number at the cursor, behind white space and comments.
inline std::uint64_t pnm_number(const encoded_image& in, std::size_t& at) {
    const auto space = [&] { return byte_at(in.bytes, at) == ' ' || (byte_at(in.bytes, at) - 9u) < 5u; };
    const auto digit = [&] { return byte_at(in.bytes, at) - unsigned('0') < 10u; };
    for (; at < in.bytes.size() && (space() || byte_at(in.bytes, at) == '#'); ++at)
        if (byte_at(in.bytes, at) == '#')
            while (at + 1 < in.bytes.size() && byte_at(in.bytes, at) != '\n') ++at;
    if (!digit()) fail(in.name, ": damaged PNM: no number in its header");
    std::uint64_t value = 0;
    for (; digit() && value < 1000000000; ++at) value = value * 10 + (byte_at(in.bytes, at) - unsigned('0'));
    return value;
}

inline decoded_image decode_pnm(const encoded_image& in) {
    const int channels = bytes_are(in.bytes, 0, "P6") ? 3 : 1;
    std::size_t at = 2;
    const std::uint64_t width = pnm_number(in, at), height = pnm_number(in, at), largest = pnm_number(in, at);
    check_claimed_size(in, std::int64_t(width), std::int64_t(height));
    if (largest < 1 || largest > 65535)
        fail(in.name, ": damaged PNM: largest value ", largest, ", expected 1 to 65535");
    ++at; // one white space ends the header
    const std::size_t size = largest > 255 ? 2 : 1;
    const std::uint64_t needed = width * height * std::uint64_t(channels) * size;
    if (at > in.bytes.size() || needed > in.bytes.size() - at)
        fail(in.name, ": damaged PNM: ", width, "x", height, " pixels need ", needed, " bytes, the file ends early");

    decoded_image out;
    out.pixels = image(int(height), int(width), channels, size == 2 ? sample_type::u16 : sample_type::u8);
    const std::uint64_t full = size == 2 ? 65535 : 255;
    const auto read_rows = [&]<class T>(T) {
        for (int y = 0; y < out.pixels.height(); ++y)
            for (T& sample : out.pixels.row<T>(y)) {
                std::uint64_t value = 0;
                for (std::size_t i = 0; i < size; ++i) value = value << 8 | byte_at(in.bytes, at++);
                sample = T((std::min(value, largest) * full + largest / 2) / largest);
            }
    };
    size == 2 ? read_rows(std::uint16_t{}) : read_rows(std::uint8_t{});
    return out;
}

} // namespace fovea::detail
