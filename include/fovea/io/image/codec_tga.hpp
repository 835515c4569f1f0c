// TGA (Truevision, 2.0): gray, RGB and palettes, 8 to 32 bits per pixel, with and without run lengths, starting at any
// corner.
//
// This is a decoder of its own because stb_image fills in missing data of truncated files; here they are an error.
// Pixels of 15 and 16 bits have five bits for each colour; the last bit is not read as alpha, because most programs
// leave it 0.
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "fovea/image/format.hpp"
#include "fovea/io/image/codec.hpp"

namespace fovea::detail {

using tga_pixel = std::array<std::uint8_t, 4>; // gray, gray and alpha, RGB, or RGB and alpha

struct tga_header {
    bool paletted = false, gray = false, runs = false;
    int width = 0, height = 0, channels = 3;
    std::size_t pixel_bytes = 0, pixels = 0; // bytes of one stored pixel; offset of the first
    bool right_to_left = false, top_down = false;
    std::vector<tga_pixel> palette;
    std::size_t first_colour = 0;
};

inline std::size_t tga_word(const encoded_image& in, std::size_t at) {
    return byte_at(in.bytes, at) | byte_at(in.bytes, at + 1) << 8;
}

// Returns the stored pixel or palette entry of `size` bytes at `at`, whose first byte is gray or blue.
inline tga_pixel tga_pixel_at(const encoded_image& in, std::size_t at, std::size_t size, bool gray) {
    if (size > in.bytes.size() || at > in.bytes.size() - size) fail(in.name, ": damaged TGA: the file ends early");
    const auto byte = [&](std::size_t i) { return std::uint8_t(byte_at(in.bytes, at + i)); };
    if (gray) return {byte(0), size == 2 ? byte(1) : std::uint8_t(255), 0, 0};
    if (size >= 3) return {byte(2), byte(1), byte(0), size == 4 ? byte(3) : std::uint8_t(255)};
    const std::size_t bits = tga_word(in, at);
    const auto five = [&](int shift) { return std::uint8_t(((bits >> shift & 31) * 255 + 15) / 31); };
    return {five(10), five(5), five(0), 255};
}

// Reads the header and the palette of a file for which looks_like_tga() is true.
inline tga_header read_tga_header(const encoded_image& in) {
    tga_header h;
    const unsigned type = byte_at(in.bytes, 2), descriptor = byte_at(in.bytes, 17);
    h.runs = type >= 9;
    h.paletted = (type & 7) == 1;
    h.gray = (type & 7) == 3;
    h.width = int(tga_word(in, 12));
    h.height = int(tga_word(in, 14));
    h.pixel_bytes = (byte_at(in.bytes, 16) + 7) / 8;
    h.right_to_left = descriptor & 0x10;
    h.top_down = descriptor & 0x20;
    check_claimed_size(in, h.width, h.height);

    const std::size_t colours = byte_at(in.bytes, 1) == 1 ? tga_word(in, 5) : 0;
    const std::size_t colour_bytes = (byte_at(in.bytes, 7) + 7) / 8, start = 18 + byte_at(in.bytes, 0);
    h.first_colour = tga_word(in, 3);
    h.pixels = start + colours * colour_bytes;
    for (std::size_t i = 0; h.paletted && i < colours; ++i)
        h.palette.push_back(tga_pixel_at(in, start + i * colour_bytes, colour_bytes, false));
    h.channels = h.gray ? int(h.pixel_bytes) : (h.paletted ? colour_bytes : h.pixel_bytes) == 4 ? 4 : 3;
    return h;
}

inline decoded_image decode_tga(const encoded_image& in) {
    const tga_header h = read_tga_header(in);
    const std::uint64_t count = std::uint64_t(h.width) * std::uint64_t(h.height);
    if (!h.runs && h.pixels + count * h.pixel_bytes > in.bytes.size())
        fail(in.name, ": damaged TGA: ", h.width, "x", h.height, " pixels need ", count * h.pixel_bytes,
             " bytes, the file ends early");
    image out(h.height, h.width, h.channels);
    std::size_t at = h.pixels;
    const auto next = [&] {
        const tga_pixel stored = tga_pixel_at(in, at, h.pixel_bytes, h.gray || h.paletted);
        at += h.pixel_bytes;
        if (!h.paletted) return stored;
        const std::size_t index = stored[0] - h.first_colour; // an index below first_colour wraps to a huge number
        if (index >= h.palette.size())
            fail(in.name, ": damaged TGA: colour ", int(stored[0]), " is not in its palette");
        return h.palette[index];
    };
    std::size_t repeats = 0, literals = 0; // pixels that the current packet still has
    tga_pixel pixel{};
    for (std::uint64_t i = 0; i < count; ++i) {
        if (h.runs && repeats + literals == 0) {
            const unsigned packet = byte_at(in.bytes, at++);
            (packet & 128 ? repeats : literals) = (packet & 127) + 1;
            pixel = next();
        } else if (!h.runs || literals > 0) {
            pixel = next();
        }
        if (h.runs) --(repeats > 0 ? repeats : literals);
        const int y = int(i / std::uint64_t(h.width)), x = int(i % std::uint64_t(h.width));
        const auto row = out.row<std::uint8_t>(h.top_down ? y : h.height - 1 - y);
        const std::size_t column = std::size_t(h.right_to_left ? h.width - 1 - x : x);
        std::copy_n(pixel.begin(), h.channels, &row[column * std::size_t(h.channels)]);
    }
    return {without_constant_alpha(std::move(out), {0}), 1}; // alpha 0 everywhere means unused bits
}

} // namespace fovea::detail
