// Checks of metadata blocks that decoders find. A block that is damaged or too large is dropped with a notice, because
// the picture is usable without it.
#pragma once
#include <utility>

#include "fovea/image/exif.hpp"
#include "fovea/image/icc.hpp"
#include "fovea/io/image/codec.hpp"

namespace fovea::detail {

// Returns whether the block is small enough, with a notice if it is not.
inline bool fits_in_memory(const encoded_image& in, std::string_view what, std::size_t size) {
    if (size <= largest_metadata_block) return true;
    in.say(": its ", what, " has ", size, " bytes and is left out: expected at most ", largest_metadata_block);
    return false;
}

inline void take_icc(const encoded_image& in, byte_block icc, image_metadata& m) {
    if (!m.icc.empty() || !fits_in_memory(in, "colour profile", icc.size())) return;
    if (space_of_profile(icc) == profile_space::damaged)
        in.say(": its colour profile is damaged and is left out");
    else
        m.icc = std::move(icc);
}

// Takes the EXIF block without its thumbnail and returns its orientation. Only the first block of a file counts.
inline int take_exif(const encoded_image& in, std::span<const std::byte> exif, image_metadata& m) {
    exif = without_exif_prefix(exif);
    if (!m.exif.empty() || !fits_in_memory(in, "EXIF block", exif.size())) return exif_orientation(m.exif);
    if (!tiff_structure(exif).valid()) {
        in.say(": its EXIF block is damaged and is left out: expected its first directory inside of it");
        return 1;
    }
    m.exif = block_of(exif);
    drop_exif_thumbnail(m.exif);
    return exif_orientation(m.exif);
}

inline void take_xmp(const encoded_image& in, std::span<const std::byte> xmp, image_metadata& m) {
    if (m.xmp.empty() && fits_in_memory(in, "XMP packet", xmp.size())) m.xmp = block_of(xmp);
}

// Called when the pixels are known: drops a profile for another colour space.
inline void check_profile(const encoded_image& in, int colours, image_metadata& m) {
    if (m.icc.empty() || profile_fits(m.icc, colours)) return;
    in.say(": its colour profile is left out: it is for ", name_of(space_of_profile(m.icc)), " pixels, expected ",
           colours == 1 ? "gray" : "RGB");
    m.icc.clear();
}

} // namespace fovea::detail
