// Reads image files: PNG, JPEG, BMP, TGA, PNM, and with their libraries WebP, TIFF, GIF, AVIF, JPEG XL and JPEG 2000.
// Of animations and files with several pictures the first is read.
//
// The format is recognised by the content. 16-bit samples stay 16-bit, gray stays gray, and alpha is kept (not
// premultiplied). The orientation in the file is applied. Colour profiles and gamma are not applied; they go with the
// picture like its other metadata (image.hpp). A file that is damaged, of unknown format, or claims too many pixels
// causes one fovea::error that names the file and the reason.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "fovea/core/config.hpp"
#include "fovea/image/format.hpp"
#include "fovea/image/orientation.hpp"
#include "fovea/io/deflate.hpp"
#include "fovea/io/image/cmyk.hpp"
#include "fovea/io/image/codec_bmp.hpp"
#include "fovea/io/image/codec_pnm.hpp"
#include "fovea/io/image/codec_tga.hpp"
#include "fovea/io/image/jpeg_metadata.hpp"
#include "fovea/io/image/metadata_blocks.hpp"
#include "fovea/io/image/png_metadata.hpp"
#include "fovea/io/image/support.hpp"
#include "fovea/io/read_file.hpp"
#if FOVEA_WITH_LIBPNG
#include "fovea/io/image/codec_png.hpp"
#endif
#if FOVEA_WITH_LIBJPEG
#include "fovea/io/image/codec_jpeg.hpp"
#endif
#if FOVEA_WITH_LIBWEBP
#include "fovea/io/image/codec_webp.hpp"
#endif
#if FOVEA_WITH_LIBTIFF
#include "fovea/io/image/codec_tiff.hpp"
#endif
#if FOVEA_WITH_GIFLIB
#include "fovea/io/image/codec_gif.hpp"
#endif
#if FOVEA_WITH_LIBAVIF
#include "fovea/io/image/codec_avif.hpp"
#endif
#if FOVEA_WITH_LIBJXL
#include "fovea/io/image/codec_jxl.hpp"
#endif
#if FOVEA_WITH_OPENJPEG
#include "fovea/io/image/codec_jp2.hpp"
#endif
#if !FOVEA_WITH_LIBPNG || !FOVEA_WITH_LIBJPEG
#include "fovea/io/image/codec_stb.hpp"
#endif

namespace fovea {

// How an image file is read.
struct read_options {
    std::uint64_t max_pixels = std::uint64_t(1) << 28; // larger pictures are refused before memory is allocated
    bool apply_orientation = true;                     // turns the picture upright; its metadata then say so
    notice_function notice{};                          // receives a line for each part of the file that is dropped
};

namespace detail {

// Returns the format; throws if this build cannot read it.
inline image_format readable_format(const encoded_image& in) {
    const image_format format = recognise(in.bytes);
    if (format == image_format::unknown)
        fail(in.name, in.bytes.empty() ? ": empty file" : ": not an image of a known format", ": expected ",
             formats_read());
    if (!reads(format))
        fail(in.name, ": this build reads no ", name_of(format), ": it was made without ", library_of(format));
    return format;
}

inline decoded_image decode(const encoded_image& in) {
    const image_format format = readable_format(in);
#if FOVEA_WITH_LIBPNG
    if (format == image_format::png) return decode_png(in);
#else
    if (format == image_format::png) return decode_stb(in, "PNG");
#endif
#if FOVEA_WITH_LIBJPEG
    if (format == image_format::jpeg) return decode_jpeg(in);
#else
    if (format == image_format::jpeg) return decode_stb(in, "JPEG");
#endif
#if FOVEA_WITH_LIBWEBP
    if (format == image_format::webp) return decode_webp(in);
#endif
#if FOVEA_WITH_LIBTIFF
    if (format == image_format::tiff) return decode_tiff(in);
#endif
#if FOVEA_WITH_GIFLIB
    if (format == image_format::gif) return decode_gif(in);
#endif
#if FOVEA_WITH_LIBAVIF
    if (format == image_format::avif) return decode_avif(in);
#endif
#if FOVEA_WITH_LIBJXL
    if (format == image_format::jxl) return decode_jxl(in);
#endif
#if FOVEA_WITH_OPENJPEG
    if (format == image_format::jp2) return decode_jp2(in);
#endif
    if (format == image_format::bmp) return decode_bmp(in);
    return format == image_format::tga ? decode_tga(in) : decode_pnm(in);
}

} // namespace detail

// Reads an image from the bytes of a file; `name` stands for it in errors. If the image cannot be read, its notices are
// dropped and only the error is reported.
inline image read_image(std::span<const std::byte> bytes, std::string_view name, const read_options& options = {}) {
    std::vector<std::string> notices;
    const notice_function keep = [&](const std::string& notice) { notices.push_back(notice); };
    const detail::encoded_image in{bytes, name, options.max_pixels, &keep};
    detail::decoded_image decoded = detail::decode(in);
    detail::check_profile(in, decoded.pixels.colours(), decoded.metadata);
    if (options.notice)
        for (auto& notice : notices) options.notice(notice);
    decoded.pixels.set_metadata(std::move(decoded.metadata));
    return options.apply_orientation ? upright(std::move(decoded.pixels), decoded.orientation)
                                     : std::move(decoded.pixels);
}

// Reads an image file. Throws fovea::error, with the name of the file, if it is damaged, of unknown format, or too
// large.
inline image read_image(const std::filesystem::path& path, const read_options& options = {}) {
    return read_image(read_file(path), path.string(), options);
}

} // namespace fovea
