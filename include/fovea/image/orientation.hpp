// The orientation tag of EXIF (CIPA DC-008, tag 0x0112): how a stored picture is turned to be seen upright.
//
//   1 as stored               5 mirrored at the main diagonal
//   2 mirrored left-right     6 turned by 90 degrees clockwise
//   3 turned by 180 degrees   7 mirrored at the other diagonal
//   4 mirrored top-bottom     8 turned by 90 degrees counter-clockwise
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "fovea/image/format.hpp"
#include "fovea/image/image.hpp"

namespace fovea {

// The orientation, 1 to 8, that an EXIF block (the TIFF header and what follows, with or without "Exif\0\0" before it)
// names in its first directory; 1 where it names none or is damaged.
inline int exif_orientation(std::span<const std::byte> exif) {
    using namespace std::string_view_literals;
    if (detail::bytes_are(exif, 0, "Exif\0\0"sv)) exif = exif.subspan(6);
    const bool little = detail::bytes_are(exif, 0, "II*\0"sv);
    if (!little && !detail::bytes_are(exif, 0, "MM\0*"sv)) return 1;
    const auto number = [&](std::size_t at, std::size_t size) {
        std::uint32_t value = 0;
        for (std::size_t i = 0; i < size; ++i)
            value = value << 8 | detail::byte_at(exif, at + (little ? size - 1 - i : i));
        return value;
    };
    const std::size_t directory = number(4, 4);
    if (directory < 8 || directory >= exif.size()) return 1;
    const std::size_t entries = number(directory, 2);
    for (std::size_t i = 0; i < entries; ++i) {
        const std::size_t entry = directory + 2 + 12 * i;
        if (entry + 12 > exif.size()) break;
        if (number(entry, 2) != 0x0112) continue;
        const std::uint32_t type = number(entry + 2, 2),
                            value = type == 4 ? number(entry + 8, 4) : number(entry + 8, 2);
        return (type == 3 || type == 4) && value >= 1 && value <= 8 ? int(value) : 1;
    }
    return 1;
}

// The orientation that a JPEG file names in the first EXIF segment before its picture data; 1 where it names none. For
// decoders that do not hand segments on.
inline int jpeg_orientation(std::span<const std::byte> file) {
    for (std::size_t at = 2; at + 4 <= file.size() && detail::byte_at(file, at) == 0xff;) {
        const unsigned marker = detail::byte_at(file, at + 1);
        if (marker == 0xff) { // fill byte
            ++at;
            continue;
        }
        const std::size_t size = detail::byte_at(file, at + 2) << 8 | detail::byte_at(file, at + 3);
        if (marker == 0xda || size < 2 || at + 2 + size > file.size()) break;
        if (marker == 0xe1 && detail::bytes_are(file, at + 4, "Exif"))
            return exif_orientation(file.subspan(at + 4, size - 2));
        at += 2 + size;
    }
    return 1;
}

// The picture upright, given how it is stored. Orientations 5 to 8 exchange height and width. Throws when orientation
// is not 1 to 8.
inline image upright(image stored, int orientation) {
    if (orientation < 1 || orientation > 8) fail("upright: orientation ", orientation, ": expected 1 to 8");
    if (orientation == 1) return stored;
    const bool transposed = orientation >= 5;
    const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
    const bool from_right = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
    const int height = transposed ? stored.width() : stored.height();
    const int width = transposed ? stored.height() : stored.width();
    const std::size_t pixel = std::size_t(stored.channels()) * size_of(stored.type());
    image out(height, width, stored.channels(), stored.type());
    for (int y = 0; y < height; ++y) {
        std::byte* to = out.data() + out.row_bytes() * std::size_t(y);
        for (int x = 0; x < width; ++x, to += pixel) {
            const int v = from_bottom ? height - 1 - y : y, u = from_right ? width - 1 - x : x;
            const int row = transposed ? u : v, column = transposed ? v : u;
            std::memcpy(to, stored.data() + stored.row_bytes() * std::size_t(row) + pixel * std::size_t(column), pixel);
        }
    }
    return out;
}

} // namespace fovea
