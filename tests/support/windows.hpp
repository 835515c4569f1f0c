// Memory as kernels are given it: windows that keep no more of a tensor than a call may read.
#pragma once
#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <vector>

#include "fovea/ops/kernel.hpp"
#include "fovea/tensor/tensor.hpp"

namespace fovea_test {

// Memory of exactly so many bytes at a 64-byte boundary, so that a sanitizer sees the first byte beyond.
class aligned_bytes {
    struct release {
        void operator()(std::byte* p) const { ::operator delete(p, std::align_val_t(64)); }
    };
    std::unique_ptr<std::byte, release> data_;

  public:
    explicit aligned_bytes(std::size_t bytes = 0)
        : data_(static_cast<std::byte*>(::operator new(bytes, std::align_val_t(64)))) {
        std::fill_n(data_.get(), bytes, std::byte{0xff}); // NaN where floats are read that were never written
    }
    std::byte* get() const { return data_.get(); }
};

// A window that keeps the given rows in a ring as small as they allow, and the given columns; columns outside the image
// hold zeros. It may start at any multiple of 4 bytes.
class kept {
    aligned_bytes memory_;
    std::vector<float> zeros_;
    fovea::range rows_, columns_;

    std::size_t shift() const { return std::size_t(columns_.begin & 3); }

  public:
    fovea::window view;

    kept(int images, int height, int width, int channels, fovea::range rows, fovea::range columns)
        : rows_(rows.clip(height)), columns_(columns) {
        const std::size_t row = std::size_t(columns.size() * channels);
        const int stored = std::max(1, rows_.size());
        memory_ = aligned_bytes(sizeof(float) * (row * std::size_t(stored) * std::size_t(images) + shift()));
        zeros_.assign(row, 0.f);
        view = {memory_.get() + sizeof(float) * shift(),
                reinterpret_cast<const std::byte*>(zeros_.data()),
                height,
                width,
                channels,
                columns.begin,
                columns.size(),
                stored,
                std::ptrdiff_t(row),
                std::ptrdiff_t(row) * stored};
    }
    void fill(fovea::tensor_view<const float> t) {
        for (int n = 0; n < t.batch(); ++n)
            for (int y = rows_.begin; y < rows_.end; ++y)
                for (int x = columns_.begin; x < columns_.end; ++x) {
                    float* const to = view.at<float>(n, y, x);
                    if (x >= 0 && x < t.width())
                        std::copy_n(t.at(n, y, x), t.channels(), to);
                    else
                        std::fill_n(to, t.channels(), 0.f);
                }
    }
    void copy_to(fovea::tensor_view<float> t) const {
        for (int n = 0; n < t.batch(); ++n)
            for (int y = rows_.begin; y < rows_.end; ++y)
                for (int x = columns_.begin; x < columns_.end; ++x)
                    std::copy_n(view.at<float>(n, y, x), t.channels(), t.at(n, y, x));
    }
};

} // namespace fovea_test
