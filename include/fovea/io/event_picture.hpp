// The bytes of a PNG file for a picture: compressed if the program has libpng (FOVEA_WITH_LIBPNG), else stored.
#pragma once
#if FOVEA_WITH_LIBPNG
#include <png.h>
#endif
#include <span>
#include <string>

#include "fovea/core/error.hpp"
#include "fovea/io/image/codec_png_small.hpp"

namespace fovea::detail {

inline std::string stored_png_of(const image& in) {
    struct {
        std::string bytes;
        void write(std::span<const std::byte> part) {
            bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
        }
    } png;
    encode_stored_png(png, in);
    return std::move(png.bytes);
}

// The picture must have 8 bits and 1 to 4 channels.
inline std::string png_of(const image& in) {
#if FOVEA_WITH_LIBPNG && defined(PNG_SIMPLIFIED_WRITE_SUPPORTED)
    constexpr png_uint_32 formats[] = {PNG_FORMAT_GRAY, PNG_FORMAT_GA, PNG_FORMAT_RGB, PNG_FORMAT_RGBA};
    png_image out{};
    out.version = PNG_IMAGE_VERSION;
    out.width = png_uint_32(in.width()), out.height = png_uint_32(in.height());
    out.format = formats[in.channels() - 1];
    std::string bytes(PNG_IMAGE_PNG_SIZE_MAX(out), '\0');
    png_alloc_size_t size = bytes.size();
    if (png_image_write_to_memory(&out, bytes.data(), &size, 0, in.data(), png_int_32(in.row_bytes()), nullptr)) {
        bytes.resize(size);
        return bytes;
    }
#endif
    return stored_png_of(in);
}

} // namespace fovea::detail
