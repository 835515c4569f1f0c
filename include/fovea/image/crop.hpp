// Crops of images.
#pragma once
#include <cstring>

#include "fovea/image/image.hpp"

namespace fovea {

// Returns the height x width pixels whose top left corner is at row y, column x. Throws if the rectangle is empty or
// not inside.
inline image crop(const image& in, int y, int x, int height, int width) {
    if (y < 0 || x < 0 || height < 1 || width < 1 || height > in.height() - y || width > in.width() - x)
        fail("crop: ", width, "x", height, " pixels at column ", x, ", row ", y, " of an image of ", in.width(), "x",
             in.height());
    image out(height, width, in.channels(), in.type());
    out.take_metadata_of(in);
    const std::size_t offset = std::size_t(x) * std::size_t(in.channels()) * size_of(in.type());
    for (int v = 0; v < height; ++v)
        std::memcpy(out.data() + out.row_bytes() * std::size_t(v),
                    in.data() + in.row_bytes() * std::size_t(y + v) + offset, out.row_bytes());
    return out;
}

// Returns the largest top left part whose sides are multiples of n. Throws if a side is shorter than n.
inline image crop_to_multiple(const image& in, int n) {
    if (n < 1 || in.height() < n || in.width() < n)
        fail("crop_to_multiple: ", in.width(), "x", in.height(), " pixels to multiples of ", n);
    return crop(in, 0, 0, in.height() / n * n, in.width() / n * n);
}

} // namespace fovea
