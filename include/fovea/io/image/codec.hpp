// Types shared by the decoders of all formats: their input, their result, and the check of the claimed size.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "fovea/core/error.hpp"
#include "fovea/core/notice.hpp"
#include "fovea/image/image.hpp"

namespace fovea::detail {

struct encoded_image {
    std::span<const std::byte> bytes;
    std::string_view name;    // file name for errors
    std::uint64_t max_pixels; // larger claims are refused before memory is allocated
    const notice_function* notice = nullptr;

    // Passes a notice, one line that begins with the file name, to the caller.
    template <class... Parts> void say(const Parts&... parts) const {
        if (notice && *notice) (*notice)(text_of(name, parts...));
    }
};

struct decoded_image {
    image pixels;
    int orientation = 1; // EXIF orientation, 1 to 8, not yet applied
    image_metadata metadata{};
};

// Throws if the size in the header is not positive or has too many pixels.
inline void check_claimed_size(const encoded_image& in, std::int64_t width, std::int64_t height) {
    if (width < 1 || height < 1 || width > 0x7fffffff || height > 0x7fffffff)
        fail(in.name, ": damaged: claims ", width, "x", height, " pixels");
    if (std::uint64_t(width) > in.max_pixels / std::uint64_t(height))
        fail(in.name, ": claims ", width, "x", height, " pixels: expected at most ", in.max_pixels);
}

// Removes the alpha channel of an image (H,W,2 or 4), u8, if it has one of `values` everywhere, for formats whose alpha
// may be unused. Other images are returned unchanged.
inline image without_constant_alpha(image in, std::initializer_list<std::uint8_t> values) {
    if (!in.has_alpha() || in.type() != sample_type::u8) return in;
    const std::size_t from = std::size_t(in.channels()), to = from - 1;
    const std::size_t pixels = std::size_t(in.height()) * std::size_t(in.width());
    const auto* samples = reinterpret_cast<const std::uint8_t*>(in.data());
    const std::uint8_t alpha = samples[to];
    if (std::ranges::find(values, alpha) == values.end()) return in;
    for (std::size_t i = 0; i < pixels; ++i)
        if (samples[from * i + to] != alpha) return in;
    image out(in.height(), in.width(), in.channels() - 1);
    out.take_metadata_of(in);
    auto* written = reinterpret_cast<std::uint8_t*>(out.data());
    for (std::size_t i = 0; i < pixels; ++i) std::copy_n(samples + from * i, to, written + to * i);
    return out;
}

} // namespace fovea::detail
