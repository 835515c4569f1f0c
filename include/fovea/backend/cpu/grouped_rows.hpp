// Rows of x as the convolutions of 8 bits and of half precision read them: channels in groups of 32 bits. They lie in a
// ring in scratch, and each row is converted once in a call.
#pragma once
#include "fovea/backend/cpu/convolution.hpp"

namespace fovea::FOVEA_ISA {

// A ring of as many rows as a kernel reads, of the columns that the outputs [x, x + pixels) read. For convolutions
// without dilation, groups and offset. l.inputs is the number of groups of a pixel.
class grouped_rows {
    const call& c_;
    const convolution_layout& l_;
    int n_, left_, columns_, end_; // rows before end_ are converted
    std::int32_t* data_;

    int half() const { return l_.kernel / 2; }
    std::int32_t* at(int row) const { return data_ + std::ptrdiff_t(slot(row)) * columns_ * l_.inputs; }

  public:
    // memory: as many bytes as grouped_rows_bytes says.
    grouped_rows(const call& c, const convolution_layout& l, int n, int x, int pixels, std::byte* memory)
        : c_(c),
          l_(l),
          n_(n),
          left_(x * c.a.stride - half()),
          columns_((pixels - 1) * c.a.stride + l.kernel),
          end_(c.rows.begin * c.a.stride - half()),
          data_(reinterpret_cast<std::int32_t*>(memory)) {}

    int image() const { return n_; }
    int left() const { return left_; } // the input column that a row begins with
    int columns() const { return columns_; }
    int slot(int row) const { return (row % l_.kernel + l_.kernel) % l_.kernel; }

    // What the outputs of row y sum over. fill(row, out) converts a row that is not there yet. Calls have ascending y.
    template <class Fill> terms_of<std::int32_t> reach(int y, Fill fill) {
        const int top = y * c_.a.stride - half(), k = l_.kernel;
        for (end_ = std::max(end_, top); end_ < top + k; ++end_) fill(end_, at(end_));
        terms_of<std::int32_t> t{};
        t.rows = k, t.runs = 1, t.length = k * l_.inputs;
        t.pixel_step = std::ptrdiff_t(c_.a.stride) * l_.inputs;
        for (int i = 0; i < k; ++i) t.row[i] = at(top + i);
        return t;
    }
};

// Columns of a strip, so few that the ring stays in L2.
inline int grouped_strip(const call& c, const convolution_layout& l) {
    constexpr int ring_bytes = 256 << 10, grain = 168; // a multiple of every block's pixels
    const int pixel_bytes = 4 * l.inputs * c.a.stride * l.kernel;
    return std::min(std::max(1, ring_bytes / pixel_bytes / grain) * grain, std::max(1, c.cols.size()));
}
inline std::size_t grouped_rows_bytes(const call& c, const convolution_layout& l) {
    const int columns = (grouped_strip(c, l) - 1) * c.a.stride + l.kernel;
    return sizeof(std::int32_t) * std::size_t(columns) * std::size_t(l.inputs * l.kernel);
}

} // namespace fovea::FOVEA_ISA
