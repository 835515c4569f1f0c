// Tensors (N,H,W,C) with C contiguous: tensor_view refers to numbers and may have the channels in its type; tensor owns
// its numbers.
#pragma once
#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "fovea/core/error.hpp"
#include "fovea/tensor/storage.hpp"

namespace fovea {

// In place of a number of channels: they are known at run time only.
inline constexpr int dynamic_channels = -1;

// Refers to numbers that it does not own. The pixels of a row are contiguous; row_stride and image_stride, in elements,
// may leave gaps. Throws if a size is negative or the channels do not match the type.
template <class T, int Channels = dynamic_channels> class tensor_view {
  public:
    tensor_view() = default;
    tensor_view(T* data, int batch, int height, int width, int channels = Channels)
        : tensor_view(data, batch, height, width, channels, std::ptrdiff_t(width) * channels,
                      std::ptrdiff_t(height) * width * channels) {}
    tensor_view(T* data, int batch, int height, int width, int channels, std::ptrdiff_t row_stride,
                std::ptrdiff_t image_stride)
        : data_(data),
          batch_(batch),
          height_(height),
          width_(width),
          channels_(channels),
          row_stride_(row_stride),
          image_stride_(image_stride) {
        if (batch < 0 || height < 0 || width < 0 || channels < 1 ||
            (Channels != dynamic_channels && channels != Channels))
            fail("tensor_view: (", batch, ',', height, ',', width, ',', channels, ") does not fit a view of ",
                 Channels == dynamic_channels ? channels : Channels, " channels");
    }
    // Converts a view with fixed channels to one with dynamic channels, and a view of T to one of const T.
    template <class U, int Other>
    requires std::is_convertible_v<U*, T*> &&(Channels == dynamic_channels || Other == Channels)
        tensor_view(tensor_view<U, Other> o)
        : tensor_view(o.data(), o.batch(), o.height(), o.width(), o.channels(), o.row_stride(), o.image_stride()) {}

    // The first number, the sizes N, H, W, C, and the strides in elements.
    T* data() const { return data_; }
    int batch() const { return batch_; }
    int height() const { return height_; }
    int width() const { return width_; }
    int channels() const {
        if constexpr (Channels == dynamic_channels)
            return channels_;
        else
            return Channels;
    }
    std::ptrdiff_t row_stride() const { return row_stride_; }
    std::ptrdiff_t image_stride() const { return image_stride_; }
    T* at(int n, int h, int w) const { // the C numbers of one pixel
        return data_ + n * image_stride_ + h * row_stride_ + std::ptrdiff_t(w) * channels();
    }

  private:
    T* data_ = nullptr;
    int batch_ = 0, height_ = 0, width_ = 0, channels_ = 0;
    std::ptrdiff_t row_stride_ = 0, image_stride_ = 0;
};

// Owns a dense array of numbers, initially zero. Throws unless all sizes are positive.
template <class T> class tensor {
  public:
    tensor() = default;
    tensor(int batch, int height, int width, int channels)
        : batch_(batch), height_(height), width_(width), channels_(channels) {
        if (batch < 1 || height < 1 || width < 1 || channels < 1)
            fail("tensor: (", batch, ',', height, ',', width, ',', channels, "): expected positive sizes");
        storage_.reserve(size() * sizeof(T));
        std::fill_n(data(), size(), T{});
    }
    // The sizes N, H, W, C, and the number of elements.
    int batch() const { return batch_; }
    int height() const { return height_; }
    int width() const { return width_; }
    int channels() const { return channels_; }
    std::size_t size() const {
        return std::size_t(batch_) * std::size_t(height_) * std::size_t(width_) * std::size_t(channels_);
    }
    // The numbers, those of pixel (n,h,w), and a view of all.
    T* data() { return storage_.as<T>(); }
    const T* data() const { return storage_.as<T>(); }
    T* at(int n, int h, int w) { return view().at(n, h, w); }
    const T* at(int n, int h, int w) const { return view().at(n, h, w); }
    tensor_view<T> view() { return {data(), batch_, height_, width_, channels_}; }
    tensor_view<const T> view() const { return {data(), batch_, height_, width_, channels_}; }

  private:
    int batch_ = 0, height_ = 0, width_ = 0, channels_ = 0;
    storage storage_;
};

} // namespace fovea
