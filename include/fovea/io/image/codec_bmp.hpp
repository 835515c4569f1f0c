// BMP (Microsoft, "Bitmap Storage"): headers of 12 to 124 bytes, 1, 2, 4, 8, 16, 24 and 32 bits per pixel, palettes,
// channel masks, run lengths of 4 and 8 bits, bottom-up and top-down.
//
// This is a decoder of its own because stb_image reads neither run lengths, 52- and 56-byte headers, 2 bits, nor masks
// wider than 8 bits. All reads are bounds-checked; truncated pixel data are an error.
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <utility>

#include "fovea/io/image/codec.hpp"
#include "fovea/io/image/metadata_blocks.hpp"

namespace fovea::detail {

enum class bmp_compression : std::uint32_t { none = 0, rle8 = 1, rle4 = 2, masks = 3, masks_with_alpha = 6 };

struct bmp_header {
    std::int64_t width = 0, height = 0;
    bool top_down = false;
    unsigned bits = 0;
    bmp_compression compression = bmp_compression::none;
    std::array<std::uint32_t, 4> masks{};                   // red, green, blue, alpha
    std::size_t pixels = 0;                                 // offset of the pixel data
    std::array<std::array<std::uint8_t, 3>, 256> palette{}; // RGB; colours that the file does not define are black
};

inline std::uint32_t bmp_number(const encoded_image& in, std::size_t at, std::size_t size) {
    if (size > in.bytes.size() || at > in.bytes.size() - size) fail(in.name, ": damaged BMP: the file ends early");
    std::uint32_t value = 0;
    for (std::size_t i = size; i-- > 0;) value = value << 8 | byte_at(in.bytes, at + i);
    return value;
}

// Sets the channel masks of 16- and 32-bit pixels from the header, or to their defaults.
inline void read_bmp_masks(const encoded_image& in, bmp_header& h, std::size_t header_size) {
    const bool stated = h.compression == bmp_compression::masks || h.compression == bmp_compression::masks_with_alpha;
    if (!stated && h.bits == 16) h.masks = {0x7c00, 0x03e0, 0x001f, 0};
    if (!stated && h.bits == 32) h.masks = {0xff0000, 0x00ff00, 0x0000ff, 0xff000000};
    if (!stated) return;
    // The masks follow a header of 40 bytes, and are at the same offset inside a longer one.
    const std::size_t alpha = header_size >= 56 || h.compression == bmp_compression::masks_with_alpha ? 1 : 0;
    for (std::size_t c = 0; c < 3 + alpha; ++c) h.masks[c] = bmp_number(in, 54 + 4 * c, 4);
    for (const std::uint32_t m : h.masks)
        if (m != 0 && !std::has_single_bit((m >> std::countr_zero(m)) + 1u) && m >> std::countr_zero(m) != 0xffffffffu)
            fail(in.name, ": damaged BMP: channel mask ", m, " has gaps");
}

inline bmp_header read_bmp_header(const encoded_image& in) {
    bmp_header h;
    const std::size_t size = bmp_number(in, 14, 4);
    h.pixels = bmp_number(in, 10, 4);
    const bool core = size == 12;
    if (!core && size != 40 && size != 52 && size != 56 && size != 64 && size != 108 && size != 124)
        fail(in.name, ": unsupported BMP: header of ", size, " bytes");
    if (core) {
        h.width = bmp_number(in, 18, 2);
        h.height = bmp_number(in, 20, 2);
    } else {
        h.width = std::int32_t(bmp_number(in, 18, 4));
        h.height = std::int32_t(bmp_number(in, 22, 4));
        h.compression = bmp_compression(bmp_number(in, 30, 4));
    }
    h.top_down = h.height < 0;
    h.height = h.top_down ? -h.height : h.height;
    const unsigned planes = bmp_number(in, core ? 22 : 26, 2);
    h.bits = bmp_number(in, core ? 24 : 28, 2);
    if (planes != 1) fail(in.name, ": damaged BMP: ", planes, " planes, expected 1");
    check_claimed_size(in, h.width, h.height);

    using enum bmp_compression;
    const bool plain = h.compression == none && (h.bits == 1 || h.bits == 2 || h.bits == 4 || h.bits == 8 ||
                                                 h.bits == 16 || h.bits == 24 || h.bits == 32);
    const bool runs = (h.compression == rle8 && h.bits == 8) || (h.compression == rle4 && h.bits == 4);
    const bool masked = (h.compression == masks || h.compression == masks_with_alpha) && (h.bits == 16 || h.bits == 32);
    if ((!plain && !runs && !masked) || (runs && h.top_down))
        fail(in.name, ": unsupported BMP: ", h.bits, " bits per pixel with compression ", std::uint32_t(h.compression),
             h.top_down ? ", top-down" : "");
    read_bmp_masks(in, h, size);

    if (h.bits <= 8) {
        const std::size_t entry = core ? 3 : 4, used = core ? 0 : bmp_number(in, 46, 4);
        const std::size_t colours = used == 0 ? std::size_t(1) << h.bits : used, first = 14 + size;
        if (used > 256) fail(in.name, ": damaged BMP: palette of ", used, " colours");
        for (std::size_t i = 0; i < colours && first + entry * (i + 1) <= h.pixels; ++i) // the palette may be truncated
            for (std::size_t c = 0; c < 3; ++c)
                h.palette[i][c] = std::uint8_t(bmp_number(in, first + entry * i + 2 - c, 1));
    }
    return h;
}

// Returns the bits of a pixel under the mask, scaled to 0..255 and rounded.
inline std::uint8_t bmp_channel(std::uint32_t pixel, std::uint32_t mask) {
    if (mask == 0) return 0;
    const int shift = std::countr_zero(mask);
    const std::uint64_t full = mask >> shift, value = (pixel & mask) >> shift;
    return std::uint8_t((value * 255 + full / 2) / full);
}

// Reads rows of fixed length, which are padded to 4 bytes.
inline void read_bmp_rows(const encoded_image& in, const bmp_header& h, image& out) {
    const std::size_t stride = (std::size_t(h.width) * h.bits + 31) / 32 * 4;
    const std::size_t channels = std::size_t(out.channels());
    for (int y = 0; y < out.height(); ++y) {
        const auto row = out.row<std::uint8_t>(h.top_down ? y : out.height() - 1 - y);
        const std::size_t start = h.pixels + stride * std::size_t(y);
        for (std::size_t x = 0; x < std::size_t(h.width); ++x) {
            if (h.bits <= 8) {
                const std::uint32_t byte = byte_at(in.bytes, start + x * h.bits / 8);
                const std::size_t shift = 8 - h.bits - x * h.bits % 8;
                std::ranges::copy(h.palette[byte >> shift & ((1u << h.bits) - 1)], &row[3 * x]);
            } else if (h.bits == 24) {
                for (std::size_t c = 0; c < 3; ++c)
                    row[3 * x + c] = std::uint8_t(byte_at(in.bytes, start + 3 * x + 2 - c));
            } else {
                const std::uint32_t pixel = bmp_number(in, start + x * h.bits / 8, h.bits / 8);
                for (std::size_t c = 0; c < channels; ++c) row[channels * x + c] = bmp_channel(pixel, h.masks[c]);
            }
        }
    }
}

// Decodes run lengths: pairs of count and value. A count of 0 is an escape: value 0 ends the row, 1 ends the picture, 2
// moves the position, and larger values give that number of literal pixels, padded to 2 bytes. Pixels without a run
// stay transparent. out: (H,W,4).
inline void read_bmp_runs(const encoded_image& in, const bmp_header& h, image& out) {
    const bool nibbles = h.compression == bmp_compression::rle4;
    std::size_t at = h.pixels;
    std::int64_t x = 0, y = 0;
    const auto next = [&] { return bmp_number(in, at++, 1); };
    const auto put = [&](std::uint32_t index) {
        if (x >= h.width || y >= h.height) return void(++x); // runs may pass the edge; pixels outside are dropped
        const auto pixel = out.row<std::uint8_t>(int(h.height - 1 - y)).subspan(4 * std::size_t(x++), 4);
        std::ranges::copy(h.palette[index], pixel.begin());
        pixel[3] = 255;
    };
    while (y < h.height) {
        const std::uint32_t count = next(), value = next();
        if (count > 0) {
            for (std::uint32_t i = 0; i < count; ++i) put(nibbles ? (i % 2 ? value & 15 : value >> 4) : value);
        } else if (value == 0) {
            x = 0;
            ++y;
        } else if (value == 1) {
            return;
        } else if (value == 2) {
            x += next();
            y += next();
        } else {
            const std::size_t start = at, bytes = nibbles ? (value + 1) / 2 : value;
            for (std::uint32_t i = 0; i < value; ++i) {
                const std::uint32_t byte = bmp_number(in, start + (nibbles ? i / 2 : i), 1);
                put(nibbles ? (i % 2 ? byte & 15 : byte >> 4) : byte);
            }
            at = start + (bytes + 1) / 2 * 2;
        }
    }
}

inline bool has_bmp_runs(const bmp_header& h) {
    return h.compression == bmp_compression::rle4 || h.compression == bmp_compression::rle8;
}
inline bool has_bmp_alpha(const bmp_header& h) { return has_bmp_runs(h) || h.masks[3] != 0; }

// Reads the density and, from headers of 124 bytes, the colour profile.
inline void read_bmp_metadata(const encoded_image& in, image_metadata& m) {
    const std::size_t size = bmp_number(in, 14, 4);
    if (size < 40) return;
    const std::uint32_t x = bmp_number(in, 38, 4), y = bmp_number(in, 42, 4);
    if (x > 0 && y > 0 && x < 0x80000000u && y < 0x80000000u) m.density = {double(x), double(y), density_unit::metre};
    if (size < 124 || !bytes_are(in.bytes, 70, "DEBM")) return; // an embedded profile
    const std::size_t at = 14 + std::size_t(bmp_number(in, 126, 4)), length = bmp_number(in, 130, 4);
    if (at > in.bytes.size() || length > in.bytes.size() - at)
        in.say(": its colour profile is damaged and is left out");
    else
        take_icc(in, block_of(in.bytes.subspan(at, length)), m);
}

inline decoded_image decode_bmp(const encoded_image& in) {
    const bmp_header h = read_bmp_header(in);
    const bool runs = has_bmp_runs(h), alpha = has_bmp_alpha(h);
    const std::uint64_t row = (std::uint64_t(h.width) * h.bits + 31) / 32 * 4, needed = row * std::uint64_t(h.height);
    if (!runs && (h.pixels > in.bytes.size() || needed > in.bytes.size() - h.pixels))
        fail(in.name, ": damaged BMP: ", h.width, "x", h.height, " pixels need ", needed,
             " bytes, the file ends early");
    decoded_image out;
    read_bmp_metadata(in, out.metadata);
    out.pixels = image(int(h.height), int(h.width), alpha ? 4 : 3);
    if (runs)
        read_bmp_runs(in, h, out.pixels);
    else
        read_bmp_rows(in, h, out.pixels);
    out.pixels = without_constant_alpha(std::move(out.pixels), {0, 255}); // the last 8 of 32 bits may be padding
    return out;
}

} // namespace fovea::detail
