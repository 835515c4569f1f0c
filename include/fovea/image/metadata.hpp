// The metadata of a picture: colour profile, EXIF, XMP, IPTC, print density, text.
//
// An image carries them from the file that was read to the file that is written (docs/images.md). Pixels are never
// converted between colour spaces; the profile gives their meaning before and after a network.
//
// The density keeps the number and unit of the file even if a picture gets more pixels, so that the print becomes
// larger.
#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace fovea {

// The bytes of a metadata block, as they are in the file.
using byte_block = std::vector<std::byte>;

// aspect: x and y have no unit; x / y gives the height of a pixel divided by its width.
enum class density_unit { aspect, inch, centimetre, metre };

// How many pixels a print has per unit of length, or the shape of pixels.
struct image_density {
    double x = 1, y = 1; // pixels per unit
    density_unit unit = density_unit::aspect;
    bool operator==(const image_density&) const = default;
};

// A PNG chunk as it is in the file: text, time, colour information other than ICC, and chunks that PNG marks as safe to
// copy.
struct png_extra {
    std::string type; // four letters
    byte_block bytes;
    bool operator==(const png_extra&) const = default;
};

// Everything that a file says beside its pixels. Empty members were not in the file.
struct image_metadata {
    byte_block icc{};          // the profile, byte for byte
    std::string icc_name{};    // the name that PNG gives the profile
    byte_block exif{};         // a TIFF structure, without the prefix "Exif\0\0"
    byte_block xmp{};          // the packet
    byte_block extended_xmp{}; // JPEG only: a GUID of 32 letters, then the part of the packet that exceeds one segment
    byte_block iptc{};         // IIM records
    std::optional<image_density> density{};
    std::vector<png_extra> extras{};

    bool operator==(const image_metadata&) const = default;
};

// Larger blocks are dropped, with a notice.
inline constexpr std::size_t largest_metadata_block = std::size_t(16) << 20;

namespace detail {

// Returns whether a PNG chunk gives the meaning of the samples, as a colour profile does.
inline bool is_colour_chunk(const std::string& type) {
    for (const char* colour : {"cICP", "gAMA", "cHRM", "sRGB", "mDCV", "mDCv", "cLLI", "cLLi"})
        if (type == colour) return true;
    return false;
}

inline byte_block block_of(std::span<const std::byte> bytes) { return {bytes.begin(), bytes.end()}; }

} // namespace detail

} // namespace fovea
