// Rows that follow each other without a gap, taken as a single row. Operations that compute each pixel from its own
// pixel then have full blocks of pixels in narrow images, too.
#pragma once
#include "fovea/backend/cpu/simd.hpp"
#include "fovea/ops/kernel.hpp"

namespace fovea::FOVEA_ISA {

inline bool is_dense(const window& w) {
    return w.left == 0 && w.columns == w.width && w.row_stride == std::ptrdiff_t(w.width) * w.channels;
}
// The rows of a dense window as one.
inline window joined_rows(const window& w, range rows) {
    window j = w;
    j.data = w.data ? reinterpret_cast<std::byte*>(w.at<float>(0, rows.begin, 0)) : nullptr;
    j.height = j.stored = 1, j.width = j.columns = rows.size() * w.width;
    return j;
}

} // namespace fovea::FOVEA_ISA
