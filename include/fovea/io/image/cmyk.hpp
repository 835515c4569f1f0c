// Conversion of CMYK to RGB, the only place where pixels change their colour space, because networks have no inks. With
// lcms2 (FOVEA_WITH_LCMS2) by the profile in the file to sRGB, else by the simple product of ink and black on white
// paper.
#pragma once
#include "fovea/core/config.hpp"
#include "fovea/image/convert.hpp"
#include "fovea/io/image/metadata_blocks.hpp"
#if FOVEA_WITH_LCMS2
#include <lcms2.h>
#endif

namespace fovea::detail {

// Returns false if the profile does not define the conversion.
inline bool convert_inks(const image& inks, const byte_block& icc, image& rgb) {
#if FOVEA_WITH_LCMS2
    if (inks.type() == sample_type::f32 || space_of_profile(icc) != profile_space::cmyk) return false;
    // lcms2 is silent here: it logs only to a handler, and none is set.
    const cmsHPROFILE from = cmsOpenProfileFromMem(icc.data(), cmsUInt32Number(icc.size()));
    const cmsHPROFILE to = cmsCreate_sRGBProfile();
    const bool wide = inks.type() == sample_type::u16;
    cmsHTRANSFORM convert = nullptr;
    if (from && to)
        convert = cmsCreateTransform(from, wide ? TYPE_CMYK_16_REV : TYPE_CMYK_8_REV, to,
                                     wide ? TYPE_RGB_16 : TYPE_RGB_8, INTENT_PERCEPTUAL, 0);
    for (int y = 0; convert && y < inks.height(); ++y)
        cmsDoTransform(convert, inks.data() + inks.row_bytes() * std::size_t(y),
                       rgb.data() + rgb.row_bytes() * std::size_t(y), cmsUInt32Number(inks.width()));
    if (convert) cmsDeleteTransform(convert);
    if (from) cmsCloseProfile(from);
    if (to) cmsCloseProfile(to);
    return convert != nullptr;
#else
    static_cast<void>(inks), static_cast<void>(icc), static_cast<void>(rgb);
    return false;
#endif
}

// inks: (H,W,4); each sample is the complement of its ink, as in Adobe's JPEG files. Removes the profile from `m`.
inline image rgb_of_cmyk(const encoded_image& in, const image& inks, image_metadata& m) {
    image rgb(inks.height(), inks.width(), 3, inks.type());
    const byte_block icc = std::move(m.icc);
    m.icc.clear();
    if (convert_inks(inks, icc, rgb)) {
        in.say(": its CMYK pixels become sRGB, by its profile");
        return rgb;
    }
    in.say(": its CMYK pixels become RGB, ", icc.empty() ? "without a profile" : "without regard to its profile",
           ": colours are approximate");
    with_samples_of(inks.type(), [&]<class T>(T) {
        const double white = white_of(inks.type());
        const double half = std::is_integral_v<T> ? 0.5 : 0;
        for (int y = 0; y < rgb.height(); ++y) {
            const auto from = inks.row<T>(y);
            const auto to = rgb.row<T>(y);
            for (std::size_t x = 0; x < std::size_t(rgb.width()); ++x)
                for (std::size_t c = 0; c < 3; ++c)
                    to[3 * x + c] = T(double(from[4 * x + c]) * double(from[4 * x + 3]) / white + half);
        }
    });
    return rgb;
}

} // namespace fovea::detail
