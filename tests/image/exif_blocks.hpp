// EXIF blocks for tests, made field by field.
#pragma once
#include <cstdint>

#include "fovea/image/exif.hpp"

namespace fovea_test {

// Orientation and a density of 300 x 200 per inch in the first directory, numbers of pixels in EXIF's own.
inline fovea::byte_block exif_block(bool little, int orientation, int width, int height) {
    fovea::byte_block out;
    const auto put = [&](std::uint32_t value, std::size_t size) {
        out.resize(out.size() + size);
        fovea::detail::put_tiff_number(out, out.size() - size, value, size, little);
    };
    const auto field = [&](std::uint32_t tag, std::uint32_t type, std::uint32_t value) {
        put(tag, 2), put(type, 2), put(1, 4);
        if (type == 3)
            put(value, 2), put(0, 2);
        else
            put(value, 4);
    };
    out.assign(2, std::byte(little ? 'I' : 'M'));
    put(42, 2), put(8, 4);
    put(5, 2);
    field(0x0112, 3, std::uint32_t(orientation));
    field(0x011a, 5, 74), field(0x011b, 5, 82), field(0x0128, 3, 2);
    field(0x8769, 4, 90);
    put(0, 4);
    put(300, 4), put(1, 4), put(200, 4), put(1, 4);
    put(2, 2);
    field(0xa002, 3, std::uint32_t(width)), field(0xa003, 3, std::uint32_t(height));
    put(0, 4);
    return out;
}

// A second directory with a thumbnail of that many bytes at its end.
inline void add_thumbnail(fovea::byte_block& exif, bool little, std::uint32_t size) {
    const auto at = std::uint32_t(exif.size());
    exif.resize(exif.size() + 2 + 2 * 12 + 4 + size, std::byte(0));
    const auto put = [&](std::size_t where, std::uint32_t value, std::size_t bytes) {
        fovea::detail::put_tiff_number(exif, where, value, bytes, little);
    };
    put(8 + 2 + 5 * 12, at, 4);
    put(at, 2, 2);
    put(at + 2, 0x0201, 2), put(at + 4, 4, 2), put(at + 6, 1, 4), put(at + 10, at + 30, 4);
    put(at + 14, 0x0202, 2), put(at + 16, 4, 2), put(at + 18, 1, 4), put(at + 22, size, 4);
}

} // namespace fovea_test
