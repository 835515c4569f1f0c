// Changes of XMP packets (ISO 16684-1) that keep them true to the pixels: the numbers that repeat those of EXIF. They
// are replaced in the text, in attributes and elements with the usual prefixes; everything else stays byte for byte.
#pragma once
#include <string>
#include <string_view>

#include "fovea/image/metadata.hpp"

namespace fovea::detail {

// Replaces the digits in every name="digits" and <name>digits</name> by the number.
inline void put_xmp_number(byte_block& xmp, std::string_view name, int number) {
    std::string text(reinterpret_cast<const char*>(xmp.data()), xmp.size());
    for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at)) {
        at += name.size();
        std::size_t digits = at;
        if (text.compare(at, 2, "=\"") == 0 || text.compare(at, 2, "='") == 0)
            digits = at + 2;
        else if (text.compare(at, 1, ">") == 0)
            digits = at + 1;
        std::size_t end = digits;
        while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
        if (digits == at || end == digits) continue;
        text.replace(digits, end - digits, std::to_string(number));
    }
    const auto bytes = std::as_bytes(std::span(text));
    xmp.assign(bytes.begin(), bytes.end());
}

inline void set_xmp_size(byte_block& xmp, int width, int height) {
    for (const std::string_view name : {"exif:PixelXDimension", "tiff:ImageWidth"}) put_xmp_number(xmp, name, width);
    for (const std::string_view name : {"exif:PixelYDimension", "tiff:ImageLength"}) put_xmp_number(xmp, name, height);
}

} // namespace fovea::detail
