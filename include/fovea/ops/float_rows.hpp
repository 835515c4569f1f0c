// Rows of a window as float32, for kernels that compute in float32 only. A 16-bit window is widened into a ring of rows
// in memory that the caller gives; a float32 window is used as it is, without a copy.
#pragma once
#include "fovea/ops/kernel.hpp"

namespace fovea {

// A float32 copy of some rows and columns of a window.
class float_rows {
  public:
    // Shows the columns `cols`, which must be kept in the window. At most `rows` rows are present at a time. `memory`
    // has bytes() bytes; it is not touched if the window is float32.
    float_rows(const window& kept, range cols, int rows, std::byte* memory) : kept_(kept), view_(kept) {
        if (!kept.in_16_bits()) return;
        view_.data = memory, view_.format = number_format::float32;
        view_.left = cols.begin, view_.columns = cols.size(), view_.stored = rows;
        view_.row_stride = std::ptrdiff_t(cols.size()) * kept.channels, view_.image_stride = 0;
    }
    static std::size_t bytes(const window& kept, int columns, int rows) {
        return kept.in_16_bits() ? sizeof(float) * std::size_t(columns) * std::size_t(rows * kept.channels) : 0;
    }

    // The copy as a window, in the coordinates of the original.
    const window& view() const { return view_; }

    // Makes the rows `rows` of image n present, clipped to the image. With `again` set, successive calls must ask for
    // ascending rows, and only rows that no earlier call widened are widened.
    void fetch(widening widen, int n, range rows, bool again) {
        if (!kept_.in_16_bits()) return;
        const range missing = range{again ? rows.begin : std::max(rows.begin, end_), rows.end}.clip(kept_.height);
        for (int y = missing.begin; y < missing.end; ++y)
            widen(kept_.format, kept_.at<const std::uint16_t>(n, y, view_.left), view_.at<float>(n, y, view_.left),
                  view_.row_stride);
        end_ = rows.end;
    }
    // Narrows these rows of the view, which a kernel has written, into image n of the 16-bit window.
    void put(narrowing narrow, int n, range rows) const {
        if (!kept_.in_16_bits()) return;
        for (int y = rows.begin; y < rows.end; ++y)
            narrow(kept_.format, view_.at<const float>(n, y, view_.left), kept_.at<std::uint16_t>(n, y, view_.left),
                   view_.row_stride);
    }

  private:
    window kept_, view_;
    int end_ = 0;
};

} // namespace fovea
