// Small tensors for testing kernels: filled at random, read as windows that keep no more than a call may read.
#pragma once
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "fovea/ops/kernel.hpp"

namespace fovea_test {

struct tensor { // (N,H,W,C)
    int n = 0, h = 0, w = 0, c = 0;
    std::vector<float> data;

    tensor() = default;
    tensor(int images, int height, int width, int channels)
        : n(images), h(height), w(width), c(channels), data(std::size_t(n) * std::size_t(h * w * c), 0.f) {}
    float& operator()(int i, int y, int x, int k) { return data[std::size_t(((i * h + y) * w + x) * c + k)]; }
    float operator()(int i, int y, int x, int k) const { return data[std::size_t(((i * h + y) * w + x) * c + k)]; }
    // Zero outside the image.
    double padded(int i, int y, int x, int k) const {
        return y < 0 || y >= h || x < 0 || x >= w ? 0. : double((*this)(i, y, x, k));
    }
};

// Uniform in [low, high).
inline std::vector<float> random_floats(std::size_t count, unsigned seed, float low = -1, float high = 1) {
    std::mt19937 generator(seed);
    std::vector<float> v(count);
    for (float& f : v) f = low + (high - low) * float(generator() >> 8) / float(1 << 24);
    return v;
}
inline tensor random_tensor(int n, int h, int w, int c, unsigned seed) {
    tensor t(n, h, w, c);
    t.data = random_floats(t.data.size(), seed);
    return t;
}

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
    void fill(const tensor& t) {
        for (int n = 0; n < t.n; ++n)
            for (int y = rows_.begin; y < rows_.end; ++y)
                for (int x = columns_.begin; x < columns_.end; ++x)
                    for (int k = 0; k < t.c; ++k) view.at<float>(n, y, x)[k] = float(t.padded(n, y, x, k));
    }
    void copy_to(tensor& t) const {
        for (int n = 0; n < t.n; ++n)
            for (int y = rows_.begin; y < rows_.end; ++y)
                for (int x = columns_.begin; x < columns_.end; ++x)
                    for (int k = 0; k < t.c; ++k) t(n, y, x, k) = view.at<float>(n, y, x)[k];
    }
};

} // namespace fovea_test
