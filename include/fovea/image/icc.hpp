// The header of ICC profiles (ISO 15076-1, section 7.2), read only to tell which pixels a profile is for.
#pragma once
#include <string_view>

#include "fovea/image/format.hpp"
#include "fovea/image/metadata.hpp"

namespace fovea::detail {

enum class profile_space { damaged, gray, rgb, cmyk, other };

inline profile_space space_of_profile(std::span<const std::byte> icc) {
    if (icc.size() < 128 || !bytes_are(icc, 36, "acsp")) return profile_space::damaged;
    std::size_t claimed = 0;
    for (std::size_t i = 0; i < 4; ++i) claimed = claimed << 8 | byte_at(icc, i);
    if (claimed < 128 || claimed > icc.size()) return profile_space::damaged;
    if (bytes_are(icc, 16, "RGB ")) return profile_space::rgb;
    if (bytes_are(icc, 16, "GRAY")) return profile_space::gray;
    return bytes_are(icc, 16, "CMYK") ? profile_space::cmyk : profile_space::other;
}

constexpr std::string_view name_of(profile_space s) {
    constexpr std::string_view names[] = {"damaged", "gray", "RGB", "CMYK", "other"};
    return names[std::size_t(s)];
}

// Returns whether the profile is for pixels with this number of colours, 1 or 3.
inline bool profile_fits(std::span<const std::byte> icc, int colours) {
    return space_of_profile(icc) == (colours == 1 ? profile_space::gray : profile_space::rgb);
}

} // namespace fovea::detail
