// Formats of image files, recognised by the first bytes when reading and by the extension when writing.
#pragma once
#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace fovea {

// A format of image files. jxl is JPEG XL, jp2 is JPEG 2000, pnm stands for PBM, PGM, PPM and PAM.
enum class image_format { unknown, png, jpeg, webp, tiff, avif, jxl, jp2, bmp, gif, tga, pnm };

namespace detail {

inline constexpr std::string_view image_format_names[] = {"unknown", "PNG",       "JPEG", "WebP", "TIFF", "AVIF",
                                                          "JPEG XL", "JPEG 2000", "BMP",  "GIF",  "TGA",  "PNM"};

} // namespace detail

// Returns the name for messages, such as "PNG".
constexpr std::string_view name_of(image_format f) { return detail::image_format_names[std::size_t(f)]; }

namespace detail {

constexpr unsigned byte_at(std::span<const std::byte> b, std::size_t i) {
    return i < b.size() ? std::to_integer<unsigned>(b[i]) : 0u;
}

inline bool bytes_are(std::span<const std::byte> b, std::size_t at, std::string_view text) {
    if (b.size() < at + text.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (byte_at(b, at + i) != static_cast<unsigned char>(text[i])) return false;
    return true;
}

// Returns whether every field of an 18-byte TGA header has a valid value. TGA has no signature.
inline bool looks_like_tga(std::span<const std::byte> b) {
    if (b.size() < 18) return false;
    const unsigned map = byte_at(b, 1), type = byte_at(b, 2), map_bits = byte_at(b, 7), bits = byte_at(b, 16);
    const bool paletted = type == 1 || type == 9, colour = type == 2 || type == 10, gray = type == 3 || type == 11;
    const bool wide = bits == 15 || bits == 16 || bits == 24 || bits == 32;
    const bool wide_map = map_bits == 15 || map_bits == 16 || map_bits == 24 || map_bits == 32;
    if (byte_at(b, 12) + byte_at(b, 13) == 0 || byte_at(b, 14) + byte_at(b, 15) == 0) return false;
    if (paletted) return map == 1 && wide_map && bits == 8;
    return map <= 1 && ((colour && wide) || (gray && (bits == 8 || bits == 16)));
}

// Returns whether this is a file of ISO's base media format whose first box names AVIF among its brands.
inline bool is_avif(std::span<const std::byte> b) {
    if (!bytes_are(b, 4, "ftyp")) return false;
    const std::size_t size = byte_at(b, 0) << 24 | byte_at(b, 1) << 16 | byte_at(b, 2) << 8 | byte_at(b, 3);
    for (std::size_t at = 8; at + 4 <= std::min<std::size_t>({size, b.size(), 256}); at += 4)
        if (at != 12 && (bytes_are(b, at, "avif") || bytes_are(b, at, "avis"))) return true;
    return false;
}

// Returns whether the file begins with "P1" to "P7" and then white space or a comment.
inline bool is_pnm(std::span<const std::byte> b) {
    const unsigned kind = byte_at(b, 1) - unsigned('1'), next = byte_at(b, 2);
    return byte_at(b, 0) == 'P' && kind < 7 && (next == ' ' || next - 9u < 5u || next == '#');
}

} // namespace detail

// Returns the format of a file with these first bytes (64 suffice). TGA has no signature, so a result of TGA is a
// guess; recognise_file() in header.hpp confirms it.
inline image_format recognise(std::span<const std::byte> bytes) {
    using detail::bytes_are;
    using namespace std::string_view_literals;
    if (bytes_are(bytes, 0, "\x89PNG\r\n\x1a\n")) return image_format::png;
    if (bytes_are(bytes, 0, "\xff\xd8\xff")) return image_format::jpeg;
    if (bytes_are(bytes, 0, "RIFF") && bytes_are(bytes, 8, "WEBP")) return image_format::webp;
    if (bytes_are(bytes, 0, "GIF87a") || bytes_are(bytes, 0, "GIF89a")) return image_format::gif;
    if (bytes_are(bytes, 0, "BM")) return image_format::bmp;
    for (const std::string_view begin : {"II*\0"sv, "MM\0*"sv, "II+\0"sv, "MM\0+"sv})
        if (bytes_are(bytes, 0, begin)) return image_format::tiff;
    if (detail::is_avif(bytes)) return image_format::avif;
    if (bytes_are(bytes, 0, "\xff\x0a") || bytes_are(bytes, 0, "\0\0\0\x0cJXL \r\n\x87\n"sv)) return image_format::jxl;
    if (bytes_are(bytes, 0, "\xff\x4f\xff\x51") || bytes_are(bytes, 0, "\0\0\0\x0cjP  \r\n\x87\n"sv))
        return image_format::jp2;
    if (detail::is_pnm(bytes)) return image_format::pnm;
    return detail::looks_like_tga(bytes) ? image_format::tga : image_format::unknown;
}

namespace detail {

inline std::string lower_extension(const std::filesystem::path& path) {
    std::string extension = path.extension().string();
    std::ranges::transform(extension, extension.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
    return extension;
}

} // namespace detail

// Returns the format in which a file of this name is written. The extension, in any case, is one of .png .jpg .jpeg
// .jpe .jfif .webp .tif .tiff; others give unknown.
inline image_format format_of_name(const std::filesystem::path& path) {
    const std::string extension = detail::lower_extension(path);
    if (extension == ".png") return image_format::png;
    if (extension == ".jpg" || extension == ".jpeg" || extension == ".jpe" || extension == ".jfif")
        return image_format::jpeg;
    if (extension == ".tif" || extension == ".tiff") return image_format::tiff;
    if (extension == ".webp") return image_format::webp;
    return image_format::unknown;
}

} // namespace fovea
