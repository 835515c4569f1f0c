// A view of the samples of images or tensors, independent of their C++ type.
#pragma once
#include <cstddef>

#include "fovea/image/image.hpp"
#include "fovea/tensor/tensor.hpp"

namespace fovea {

// Samples of images of one size in host memory: (N,H,W,C). Pixels of a row are contiguous. Only the first `colours`
// channels are compared by metrics; alpha is left out.
template <class Byte> struct samples_view {
    Byte* data = nullptr;
    sample_type type = sample_type::f32;
    int batch = 1, height = 0, width = 0, channels = 0, colours = 0;
    std::ptrdiff_t row_bytes = 0, image_bytes = 0;

    // Bytes of a row and of all images if there are no gaps.
    std::size_t dense_row() const { return std::size_t(width) * std::size_t(channels) * size_of(type); }
    std::size_t bytes() const { return dense_row() * std::size_t(height) * std::size_t(batch); }
};

// A view of one image, whose `colours` exclude alpha.
template <class Byte, class Image> samples_view<Byte> samples_of(Image& i) {
    const auto row = std::ptrdiff_t(i.row_bytes());
    return {i.data(), i.type(), 1, i.height(), i.width(), i.channels(), i.colours(), row, row * i.height()};
}
template <class Byte, class T> samples_view<Byte> samples_of(tensor_view<T> v) {
    constexpr auto number = std::ptrdiff_t(sizeof(float));
    return {reinterpret_cast<Byte*>(v.data()),
            sample_type::f32,
            v.batch(),
            v.height(),
            v.width(),
            v.channels(),
            v.channels(),
            v.row_stride() * number,
            v.image_stride() * number};
}

} // namespace fovea
