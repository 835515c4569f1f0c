// The orientation tag of EXIF (CIPA DC-008, tag 0x0112): how a stored picture is turned to be seen upright.
//
//   1 as stored               5 mirrored at the main diagonal
//   2 mirrored left-right     6 turned by 90 degrees clockwise
//   3 turned by 180 degrees   7 mirrored at the other diagonal
//   4 mirrored top-bottom     8 turned by 90 degrees counter-clockwise
#pragma once
#include <cstddef>
#include <cstring>

#include "fovea/image/exif.hpp"
#include "fovea/image/image.hpp"

namespace fovea {

// Returns the stored picture turned upright, with metadata that say so. Orientations 5 to 8 exchange height and width.
// Throws if the orientation is not 1 to 8.
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
    out.set_metadata(detail::upright_metadata(stored.metadata(), orientation));
    return out;
}

} // namespace fovea
