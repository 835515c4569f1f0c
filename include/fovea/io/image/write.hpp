// Writes images as PNG, JPEG, WebP and TIFF files, chosen by the extension.
//
//           samples written                      channels written
//   PNG     8 bits; 16 bits if the image         as they are
//           has 16 bits or floats
//   JPEG    8 bits                               gray or RGB; alpha is composed over options.background
//   WebP    8 bits                               RGB or RGBA; gray becomes RGB
//   TIFF    8 bits, 16 bits, float               as they are
//
// Samples of a type that the format does not hold are converted with rounding and clamped to 0..1. Metadata are
// written, with sizes in pixels updated; one notice lists what the format cannot hold. The file is written atomically
// (io/atomic_file.hpp). Throws fovea::error with the file name if check_writable (support.hpp) does or the file cannot
// be written.
#pragma once
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string>

#include "fovea/core/config.hpp"
#include "fovea/image/convert.hpp"
#include "fovea/image/format.hpp"
#include "fovea/image/image.hpp"
#include "fovea/io/atomic_file.hpp"
#include "fovea/io/image/metadata_limits.hpp"
#include "fovea/io/image/png_metadata.hpp"
#include "fovea/io/image/support.hpp"
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
#include "fovea/io/image/codec_tiff_write.hpp"
#endif

namespace fovea {

// How an image file is written.
struct write_options {
    image_format format = image_format::unknown; // unknown: chosen by the extension
    int quality = 95;                            // 1 to 100, JPEG and WebP; from 90 on JPEG has full chroma resolution
    bool lossless = false;                       // WebP only
    int compression = 6;                         // 0 to 9, PNG only
    float background = 1;                        // 0 (black) to 1 (white), shown through transparent pixels in JPEG
    bool strip_metadata = false;                 // drops all but the colour profile, which the colours need
    notice_function notice{};                    // receives one line about what the format cannot hold
    atomic_file_options file = {};
};

namespace detail {

inline image_metadata metadata_to_write(const image& pixels, image_format format, int colours, const std::string& name,
                                        const write_options& options) {
    return metadata_for(pixels, format, colours, options.strip_metadata, name, options.notice);
}

// Composes the picture over a gray background, on the gamma-encoded samples.
inline image over_background(const image& in, float background) {
    image out(in.height(), in.width(), in.colours(), in.type());
    out.take_metadata_of(in);
    with_samples_of(in.type(), [&](auto sample) {
        using T = decltype(sample);
        const std::size_t from = std::size_t(in.channels()), to = std::size_t(out.channels());
        for (int y = 0; y < in.height(); ++y) {
            const auto x = in.row<T>(y);
            const auto z = out.row<T>(y);
            for (std::size_t i = 0; i < std::size_t(in.width()); ++i)
                for (std::size_t c = 0; c < to; ++c) {
                    const float alpha = fraction_of(x[from * i + to]), colour = fraction_of(x[from * i + c]);
                    z[to * i + c] = sample_of<T>(background + (colour - background) * alpha);
                }
        }
    });
    return out;
}

inline void write_png_image(atomic_file& file, const std::string& name, const image& pixels,
                            const write_options& options) {
    const auto chunks = png_chunks_of(metadata_to_write(pixels, image_format::png, pixels.colours(), name, options));
    const image whole = with_type(pixels, pixels.type() == sample_type::u8 ? sample_type::u8 : sample_type::u16);
#if FOVEA_WITH_LIBPNG
    encode_png(file, name, whole, options.compression, chunks);
#else
    encode_stored_png(file, whole, chunks);
#endif
}

inline void write_jpeg_image(atomic_file& file, const std::string& name, const image& pixels,
                             const write_options& options) {
#if FOVEA_WITH_LIBJPEG
    const image opaque = pixels.has_alpha() ? over_background(pixels, options.background) : pixels;
    encode_jpeg(file, name, with_type(opaque, sample_type::u8), options.quality,
                metadata_to_write(pixels, image_format::jpeg, pixels.colours(), name, options));
#else
    static_cast<void>(file), static_cast<void>(name), static_cast<void>(pixels), static_cast<void>(options);
#endif
}

inline void write_webp_image(atomic_file& file, const std::string& name, const image& pixels,
                             const write_options& options) {
#if FOVEA_WITH_LIBWEBP
    const int channels = pixels.has_alpha() ? 4 : 3;
    encode_webp(file, name, with_channels(with_type(pixels, sample_type::u8), channels), options.quality,
                options.lossless, metadata_to_write(pixels, image_format::webp, 3, name, options));
#else
    static_cast<void>(file), static_cast<void>(name), static_cast<void>(pixels), static_cast<void>(options);
#endif
}

inline void write_tiff_image(atomic_file& file, const std::string& name, const image& pixels,
                             const write_options& options) {
#if FOVEA_WITH_LIBTIFF
    if (needs_big_tiff(pixels) && !pixels.metadata().exif.empty() && options.notice)
        options.notice(name + ": is of more than 4 GB and therefore BigTIFF, which is written without EXIF and GPS");
    encode_tiff(file, name, pixels, metadata_to_write(pixels, image_format::tiff, pixels.colours(), name, options));
#else
    static_cast<void>(file), static_cast<void>(name), static_cast<void>(pixels), static_cast<void>(options);
#endif
}

} // namespace detail

namespace detail {

inline void check_options(const std::string& name, const write_options& options) {
    if (options.quality < 1 || options.quality > 100)
        fail(name, ": cannot write: quality ", options.quality, ", expected 1 to 100");
    if (options.compression < 0 || options.compression > 9)
        fail(name, ": cannot write: compression ", options.compression, ", expected 0 to 9");
}

inline void write_image(atomic_file& file, const std::string& name, const image& pixels, image_format format,
                        const write_options& options) {
    if (format == image_format::png) write_png_image(file, name, pixels, options);
    if (format == image_format::jpeg) write_jpeg_image(file, name, pixels, options);
    if (format == image_format::webp) write_webp_image(file, name, pixels, options);
    if (format == image_format::tiff) write_tiff_image(file, name, pixels, options);
    file.commit();
}

} // namespace detail

// Writes an image file in the format of `options`, or that of the extension. Throws fovea::error, with the name of the
// file, if the format cannot hold the image or the file cannot be written.
inline void write_image(const std::filesystem::path& path, const image& pixels, const write_options& options = {}) {
    const std::string name = path.string();
    const image_format format = options.format == image_format::unknown ? format_of_name(path) : options.format;
    check_writable(path, pixels.width(), pixels.height(), format);
    detail::check_options(name, options);
    atomic_file file(path, options.file);
    detail::write_image(file, name, pixels, format, options);
}

// Writes to a stream, such as standard output; `name` stands for it in errors. If options.format is unknown, PNG is
// written.
inline void write_image(std::FILE* stream, const std::string& name, const image& pixels,
                        const write_options& options = {}) {
    const image_format format = options.format == image_format::unknown ? image_format::png : options.format;
    check_writable(name, pixels.width(), pixels.height(), format);
    detail::check_options(name, options);
    atomic_file file(stream, name);
    detail::write_image(file, name, pixels, format, options);
}

} // namespace fovea
