// Formats of image files: recognised from the first bytes when reading, from the extension when writing.
#pragma once
#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace fovea {

enum class image_format { unknown, png, jpeg, webp, bmp, gif, tga, pnm };

constexpr std::string_view name_of(image_format f) {
    constexpr std::string_view names[] = {"unknown", "PNG", "JPEG", "WebP", "BMP", "GIF", "TGA", "PNM"};
    return names[std::size_t(f)];
}

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

// TGA has no signature: true where every field of the 18-byte header holds a value that the format allows.
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

} // namespace detail

// The format of a file with these first bytes (18 suffice).
inline image_format recognise(std::span<const std::byte> bytes) {
    using detail::byte_at, detail::bytes_are;
    if (bytes_are(bytes, 0, "\x89PNG\r\n\x1a\n")) return image_format::png;
    if (bytes_are(bytes, 0, "\xff\xd8\xff")) return image_format::jpeg;
    if (bytes_are(bytes, 0, "RIFF") && bytes_are(bytes, 8, "WEBP")) return image_format::webp;
    if (bytes_are(bytes, 0, "GIF87a") || bytes_are(bytes, 0, "GIF89a")) return image_format::gif;
    if (bytes_are(bytes, 0, "BM")) return image_format::bmp;
    if (bytes_are(bytes, 0, "P5") || bytes_are(bytes, 0, "P6")) return image_format::pnm;
    return detail::looks_like_tga(bytes) ? image_format::tga : image_format::unknown;
}

// The format that a file of this name is written in, by its extension in any case; unknown where that is none of
// .png .jpg .jpeg .webp.
inline image_format format_of_name(const std::filesystem::path& path) {
    std::string extension = path.extension().string();
    std::ranges::transform(extension, extension.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
    if (extension == ".png") return image_format::png;
    if (extension == ".jpg" || extension == ".jpeg") return image_format::jpeg;
    if (extension == ".webp") return image_format::webp;
    return image_format::unknown;
}

} // namespace fovea
