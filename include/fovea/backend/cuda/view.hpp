// A GPU kernel's view of a call: the tensors, which it reads within bounds, and the pixels to compute.
#pragma once
#include <climits>

#include "fovea/backend/cuda/numbers.hpp"
#include "fovea/core/error.hpp"
#include "fovea/ops/kernel.hpp"

namespace fovea {

struct pixel_position {
    int image, row, column;
};

// A window without columns outside the image: a kernel must call inside() before it reads.
struct device_view { // (N,H,W,C)
    device_numbers data{};
    int height = 0, width = 0, channels = 0, left = 0, stored = 1;
    std::ptrdiff_t row_stride = 0, image_stride = 0;

    device_view() = default;
    explicit device_view(const window& w)
        : data{w.data, w.format},
          height(w.height),
          width(w.width),
          channels(w.channels),
          left(w.left),
          stored(w.stored),
          row_stride(w.row_stride),
          image_stride(w.image_stride) {}

    FOVEA_HOST_DEVICE bool inside(int y, int x) const {
        return unsigned(y) < unsigned(height) && unsigned(x) < unsigned(width);
    }
    FOVEA_HOST_DEVICE explicit operator bool() const { return data.data != nullptr; }
    FOVEA_HOST_DEVICE std::ptrdiff_t index(pixel_position p) const { // the pixel's first number
        return p.image * image_stride + (p.row % stored) * row_stride + std::ptrdiff_t(p.column - left) * channels;
    }
    FOVEA_HOST_DEVICE device_numbers at(pixel_position p) const { return data + index(p); }
    FOVEA_HOST_DEVICE float get(pixel_position p, int c) const { return data[index(p) + c]; }
    FOVEA_HOST_DEVICE void put(pixel_position p, int c, float v) const { data.put(index(p) + c, v); }
};

// The pixels images x rows x columns of a call, numbered along rows.
struct device_area {
    int first_image, images, first_row, rows, first_column, columns;

    template <class Call>
    explicit device_area(const Call& c)
        : first_image(c.images.begin),
          images(c.images.size()),
          first_row(c.rows.begin),
          rows(c.rows.size()),
          first_column(c.cols.begin),
          columns(c.cols.size()) {}

    // Returns the number of pixels; throws if there are more than an int holds.
    int pixels() const {
        const std::ptrdiff_t all = std::ptrdiff_t(images) * rows * columns;
        if (all > INT_MAX)
            fail("a tensor of ", all, " pixels: expected at most ", INT_MAX, " at once on a GPU: take a smaller tile");
        return int(all);
    }
    FOVEA_HOST_DEVICE int lines() const { return images * rows; }
    FOVEA_HOST_DEVICE pixel_position in_line(int line, int column) const {
        return {first_image + line / rows, first_row + line % rows, first_column + column};
    }
    FOVEA_HOST_DEVICE pixel_position at(int i) const { return in_line(i / columns, i % columns); }
};

} // namespace fovea
