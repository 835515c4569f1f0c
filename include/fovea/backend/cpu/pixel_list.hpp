// The pixels of a rectangle in some images, counted through images, rows and columns.
#pragma once
#include "fovea/backend/cpu/simd.hpp"
#include "fovea/ops/kernel.hpp"

namespace fovea::FOVEA_ISA {

struct pixel_list {
    range images, rows, cols;

    int count() const { return images.size() * rows.size() * cols.size(); }
    // f(image, row, column, pixels, pixels before them) for the parts of rows that the pixels [first, last) consist of.
    template <class F> FOVEA_INLINE void each_run(int first, int last, F f) const {
        const int width = cols.size(), image = rows.size() * width;
        for (int at = first, n; at < last; at += n) {
            const int x = at % width;
            n = std::min(width - x, last - at);
            f(images.begin + at / image, rows.begin + at % image / width, cols.begin + x, n, at - first);
        }
    }
};

} // namespace fovea::FOVEA_ISA
