// An image in memory: (H,W,C), interleaved, row by row.
//
// Channels: 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha (not premultiplied). Samples are 8-bit (0..255), 16-bit
// (0..65535) or float (0..1), gamma-encoded as in the file. The metadata of the file go with the pixels: copies share
// them, and every function that makes one picture from another passes them on.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "fovea/core/error.hpp"
#include "fovea/image/metadata.hpp"

namespace fovea {

// The type of samples: 8-bit (0..255), 16-bit (0..65535) or float (0..1).
enum class sample_type { u8, u16, f32 };

// Returns the bytes of a sample.
constexpr std::size_t size_of(sample_type t) { return t == sample_type::u8 ? 1 : t == sample_type::u16 ? 2 : 4; }
// The sample value of full intensity.
constexpr float white_of(sample_type t) { return t == sample_type::u8 ? 255.f : t == sample_type::u16 ? 65535.f : 1.f; }

// The sample_type of a C++ type: std::uint8_t, std::uint16_t or float.
template <class T>
inline constexpr sample_type sample_type_of = std::is_same_v<T, std::uint8_t>    ? sample_type::u8
                                              : std::is_same_v<T, std::uint16_t> ? sample_type::u16
                                                                                 : sample_type::f32;

class image {
  public:
    image() = default;

    // All samples are zero. Throws if a size is not positive or the channels are not 1 to 4.
    image(int height, int width, int channels, sample_type type = sample_type::u8)
        : height_(height), width_(width), channels_(channels), type_(type) {
        if (height < 1 || width < 1 || channels < 1 || channels > 4)
            fail("image: ", width, "x", height, " with ", channels,
                 " channels: expected positive sizes and 1 to 4 channels");
        bytes_.resize(row_bytes() * std::size_t(height));
    }

    // Sizes in pixels, channels with alpha, and the type of samples; 0 for an empty image.
    int height() const { return height_; }
    int width() const { return width_; }
    int channels() const { return channels_; }
    sample_type type() const { return type_; }
    bool empty() const { return bytes_.empty(); }
    bool has_alpha() const { return channels_ == 2 || channels_ == 4; }
    int colours() const { return channels_ >= 3 ? 3 : 1; } // channels without alpha

    // Bytes of a row, and the bytes of all samples, row by row without gaps.
    std::size_t row_bytes() const { return std::size_t(width_) * std::size_t(channels_) * size_of(type_); }
    std::byte* data() { return bytes_.data(); }
    const std::byte* data() const { return bytes_.data(); }

    // Row y as samples of type T, (W,C). Throws if T is not the sample type of this image.
    template <class T> std::span<T> row(int y) {
        return {reinterpret_cast<T*>(bytes_.data() + offset<T>(y)), row_samples()};
    }
    template <class T> std::span<const T> row(int y) const {
        return {reinterpret_cast<const T*>(bytes_.data() + offset<T>(y)), row_samples()};
    }

    // The metadata; empty if there are none.
    const image_metadata& metadata() const {
        static const image_metadata none{};
        return metadata_ ? *metadata_ : none;
    }
    void set_metadata(image_metadata m) {
        metadata_ = m == image_metadata{} ? nullptr : std::make_shared<const image_metadata>(std::move(m));
    }
    // Takes over the metadata of the picture from which this one was made. The colour profile is dropped if only one of
    // the two is gray.
    void take_metadata_of(const image& from) {
        metadata_ = from.metadata_;
        if (!metadata_ || metadata_->icc.empty() || colours() == from.colours()) return;
        image_metadata other = *metadata_;
        other.icc.clear();
        set_metadata(std::move(other));
    }

    // Compares size, type and pixels, but not metadata.
    bool operator==(const image& other) const {
        return height_ == other.height_ && width_ == other.width_ && channels_ == other.channels_ &&
               type_ == other.type_ && bytes_ == other.bytes_;
    }

  private:
    std::size_t row_samples() const { return std::size_t(width_) * std::size_t(channels_); }
    template <class T> std::size_t offset(int y) const {
        static_assert(std::is_same_v<T, std::uint8_t> || std::is_same_v<T, std::uint16_t> || std::is_same_v<T, float>,
                      "fovea: image: samples are std::uint8_t, std::uint16_t or float");
        if (type_ != sample_type_of<T>)
            fail("image: samples of ", size_of(type_), " bytes read as ", sizeof(T), " bytes");
        return row_bytes() * std::size_t(y);
    }

    int height_ = 0, width_ = 0, channels_ = 0;
    sample_type type_ = sample_type::u8;
    std::vector<std::byte> bytes_;
    std::shared_ptr<const image_metadata> metadata_; // null: none
};

} // namespace fovea
