// What a file says of its picture beside the pixels: colour profile, EXIF, XMP, IPTC, print density, text.
//
// An image carries it from the file that it was read from to the file that it is written to, see docs/images.md. Pixels
// are never converted between colour spaces: the profile says what they mean, before and after a network.
//
// Density is kept as the number and unit that the file has, also where a picture gets more pixels: the print grows.
#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace fovea {

using byte_block = std::vector<std::byte>;

// aspect: x and y only say the shape of a pixel, one that is as wide as y and as high as x.
enum class density_unit { aspect, inch, centimetre, metre };

struct image_density {
    double x = 1, y = 1; // pixels per unit
    density_unit unit = density_unit::aspect;
    bool operator==(const image_density&) const = default;
};

// A chunk of PNG as the file has it: text and time, colour beyond ICC, and what PNG marks as safe to copy.
struct png_extra {
    std::string type; // four letters
    byte_block bytes;
    bool operator==(const png_extra&) const = default;
};

struct image_metadata {
    byte_block icc{};          // the profile, byte for byte
    std::string icc_name{};    // that PNG gives it; not part of the profile
    byte_block exif{};         // a TIFF structure, without "Exif\0\0" before it
    byte_block xmp{};          // the packet
    byte_block extended_xmp{}; // JPEG's: 32 letters of GUID, then the packet that goes beyond one segment
    byte_block iptc{};         // IIM records
    std::optional<image_density> density{};
    std::vector<png_extra> extras{};

    bool operator==(const image_metadata&) const = default;
};

// Larger blocks are left out, with a notice.
inline constexpr std::size_t largest_metadata_block = std::size_t(16) << 20;

namespace detail {

// Chunks of PNG that say what the samples mean, as a profile does.
inline bool is_colour_chunk(const std::string& type) {
    for (const char* colour : {"cICP", "gAMA", "cHRM", "sRGB", "mDCV", "mDCv", "cLLI", "cLLi"})
        if (type == colour) return true;
    return false;
}

inline byte_block block_of(std::span<const std::byte> bytes) { return {bytes.begin(), bytes.end()}; }

} // namespace detail

} // namespace fovea
