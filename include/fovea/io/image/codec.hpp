// What the decoders of all formats share: what they are given, what they return, and the size check between the two.
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
    std::string_view name;    // of the file, for errors
    std::uint64_t max_pixels; // larger claims are refused before memory is allocated
    const notice_function* notice = nullptr;

    // Tells the caller, in one line that names the file.
    template <class... Parts> void say(const Parts&... parts) const {
        if (notice && *notice) (*notice)(text_of(name, parts...));
    }
};

struct decoded_image {
    image pixels;
    int orientation = 1; // EXIF, 1 to 8, not yet applied
    image_metadata metadata{};
};

// Throws when the header's size is empty or claims too many pixels.
inline void check_claimed_size(const encoded_image& in, std::int64_t width, std::int64_t height) {
    if (width < 1 || height < 1 || width > 0x7fffffff || height > 0x7fffffff)
        fail(in.name, ": damaged: claims ", width, "x", height, " pixels");
    if (std::uint64_t(width) > in.max_pixels / std::uint64_t(height))
        fail(in.name, ": claims ", width, "x", height, " pixels: expected at most ", in.max_pixels);
}

// (H,W,2 or 4), u8, without its alpha channel where that is one of `values` everywhere: for formats whose alpha may be
// there without meaning anything. Other images as they are.
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
