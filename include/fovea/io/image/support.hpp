// The formats that this build reads and writes, and their largest sizes, so that errors are found before any work.
#pragma once
#include <string>

#include "fovea/core/config.hpp"
#include "fovea/core/error.hpp"
#include "fovea/image/format.hpp"

namespace fovea {

constexpr bool reads(image_format f) {
    switch (f) {
        case image_format::unknown:
            return false;
        case image_format::webp:
            return FOVEA_WITH_LIBWEBP;
        case image_format::tiff:
            return FOVEA_WITH_LIBTIFF;
        case image_format::gif:
            return FOVEA_WITH_GIFLIB;
        case image_format::avif:
            return FOVEA_WITH_LIBAVIF;
        case image_format::jxl:
            return FOVEA_WITH_LIBJXL;
        case image_format::jp2:
            return FOVEA_WITH_OPENJPEG;
        default:
            return true;
    }
}

constexpr bool writes(image_format f) {
    return f == image_format::png || (f == image_format::jpeg && FOVEA_WITH_LIBJPEG) ||
           (f == image_format::webp && FOVEA_WITH_LIBWEBP) || (f == image_format::tiff && FOVEA_WITH_LIBTIFF);
}

// The library that a build needs to read or write a format.
inline std::string_view library_of(image_format f) {
    static constexpr std::string_view names[] = {"",        "libpng", "libjpeg",  "libwebp", "libtiff",
                                                 "libavif", "libjxl", "openjpeg", "",        "giflib"};
    return std::size_t(f) < std::size(names) ? names[std::size_t(f)] : "";
}

namespace detail {

template <class Has> std::string list_of_formats(std::string_view last, Has&& has) {
    std::string list;
    image_format pending = image_format::unknown; // kept back, because the last item is preceded by another word
    for (std::size_t i = 1; i <= std::size_t(image_format::pnm); ++i) {
        if (!has(image_format(i))) continue;
        if (pending != image_format::unknown) list += (list.empty() ? "" : ", ") + std::string(name_of(pending));
        pending = image_format(i);
    }
    return list.empty() ? std::string(name_of(pending)) : text_of(list, " ", last, " ", name_of(pending));
}

} // namespace detail

// A list such as "PNG, JPEG, WebP ... or PNM".
inline std::string formats_read() { return detail::list_of_formats("or", reads); }
inline std::string formats_written() { return detail::list_of_formats("or", writes); }

// The longest side in pixels that the format allows.
constexpr int largest_side(image_format f) {
    return f == image_format::webp ? 16383 : f == image_format::jpeg ? 65500 : 0x7fffffff;
}

// Throws, naming the file, if a picture of this size cannot be written to it: the extension (or `format`) is none that
// this build writes, or the format does not allow the size. atomic_file checks the folder and the disk.
inline void check_writable(const std::filesystem::path& path, int width, int height,
                           image_format format = image_format::unknown) {
    const std::string name = path.string();
    if (format == image_format::unknown) format = format_of_name(path);
    if (format == image_format::unknown)
        fail(name, ": cannot write: expected a name that ends in .png, .jpg, .jpeg, .webp, .tif or .tiff");
    if (!writes(format)) {
        if (format == image_format::jpeg || format == image_format::webp || format == image_format::tiff)
            fail(name, ": this build writes no ", name_of(format), ": it was made without ", library_of(format));
        fail(name, ": cannot write ", name_of(format), ": expected ", formats_written());
    }
    if (width < 1 || height < 1) fail(name, ": cannot write: the image is empty");
    if (width > largest_side(format) || height > largest_side(format))
        fail(name, ": cannot write ", name_of(format), ": ", width, "x", height, " pixels: expected at most ",
             largest_side(format), " on each side");
}

} // namespace fovea
