// Reads AVIF by libavif (FOVEA_WITH_LIBAVIF): 8 bits, and 10 and 12 bits as 16. Of a sequence the first picture is
// read.
//
// AVIF rotates and mirrors pictures by properties of its own (irot, then imir; ISO 23008-12, 6.5.10 and 6.5.12). Those
// are applied; the orientation in EXIF only repeats them and is ignored.
#pragma once
#include <avif/avif.h>

#include <memory>

#include "fovea/image/convert.hpp"
#include "fovea/io/image/metadata_blocks.hpp"

namespace fovea::detail {

using avif_decoder = std::unique_ptr<avifDecoder, void (*)(avifDecoder*)>;

// Opens the file and parses everything before the pixels.
inline avif_decoder parsed_avif(const encoded_image& in) {
    avif_decoder decoder(avifDecoderCreate(), avifDecoderDestroy);
    if (!decoder) fail(in.name, ": libavif is out of memory");
    decoder->maxThreads = 1;
    decoder->strictFlags = AVIF_STRICT_DISABLED; // accepts what other programs accept
    decoder->imageSizeLimit = uint32_t(std::min<std::uint64_t>(in.max_pixels, AVIF_DEFAULT_IMAGE_SIZE_LIMIT));
    avifResult result =
        avifDecoderSetIOMemory(decoder.get(), reinterpret_cast<const std::uint8_t*>(in.bytes.data()), in.bytes.size());
    if (result == AVIF_RESULT_OK) result = avifDecoderParse(decoder.get());
    if (result != AVIF_RESULT_OK) fail(in.name, ": damaged or unsupported AVIF: ", avifResultToString(result));
    check_claimed_size(in, decoder->image->width, decoder->image->height);
    return decoder;
}

// Returns the EXIF orientation of a counter-clockwise rotation by quarters, followed by a mirroring.
inline int avif_orientation(const avifImage& in) {
    constexpr int turned[] = {1, 8, 3, 6}, turned_then_top_bottom[] = {4, 5, 2, 7},
                  turned_then_left_right[] = {2, 7, 4, 5};
    const int quarters = in.transformFlags & AVIF_TRANSFORM_IROT ? in.irot.angle & 3 : 0;
    if (!(in.transformFlags & AVIF_TRANSFORM_IMIR)) return turned[quarters];
#if AVIF_VERSION >= 1000000
    const bool top_bottom = in.imir.axis == 0;
#else
    const bool top_bottom = in.imir.mode == 0;
#endif
    return (top_bottom ? turned_then_top_bottom : turned_then_left_right)[quarters];
}

inline void read_avif_metadata(const encoded_image& in, const avifImage& picture, decoded_image& out) {
    const auto span = [](const avifRWData& d) { return std::span(reinterpret_cast<const std::byte*>(d.data), d.size); };
    image_metadata& m = out.metadata;
    if (picture.icc.size > 0) take_icc(in, block_of(span(picture.icc)), m);
    if (picture.exif.size > 0) take_exif(in, span(picture.exif), m);
    if (picture.xmp.size > 0) take_xmp(in, span(picture.xmp), m);
    out.orientation = avif_orientation(picture);
    set_exif_orientation(m.exif, out.orientation);
    // The colours are kept as PNG's cICP chunk. sRGB (1, 13) needs none; 2 means unspecified.
    const auto primaries = unsigned(picture.colorPrimaries), transfer = unsigned(picture.transferCharacteristics);
    if (picture.icc.size == 0 && primaries != 2 && transfer != 2 && (primaries != 1 || transfer != 13))
        m.extras.push_back({"cICP", {std::byte(primaries), std::byte(transfer), std::byte(0), std::byte(1)}});
    if (picture.transformFlags & AVIF_TRANSFORM_PASP && picture.pasp.hSpacing > 0 && picture.pasp.vSpacing > 0)
        m.density = {double(picture.pasp.vSpacing), double(picture.pasp.hSpacing), density_unit::aspect};
    if (picture.transformFlags & AVIF_TRANSFORM_CLAP) in.say(": its clean aperture is not cut out");
}

inline decoded_image decode_avif(const encoded_image& in) {
    const avif_decoder decoder = parsed_avif(in);
    if (decoder->imageCount > 1) in.say(": an animation of ", decoder->imageCount, " frames: only the first is read");
    if (const avifResult result = avifDecoderNextImage(decoder.get()); result != AVIF_RESULT_OK)
        fail(in.name, ": damaged AVIF: ", avifResultToString(result));
    const avifImage& picture = *decoder->image;
    check_claimed_size(in, picture.width, picture.height);
    decoded_image out;
    const bool wide = picture.depth > 8, alpha = picture.alphaPlane != nullptr;
    out.pixels =
        image(int(picture.height), int(picture.width), alpha ? 4 : 3, wide ? sample_type::u16 : sample_type::u8);
    avifRGBImage rgb;
    avifRGBImageSetDefaults(&rgb, &picture);
    rgb.format = alpha ? AVIF_RGB_FORMAT_RGBA : AVIF_RGB_FORMAT_RGB;
    rgb.depth = wide ? 16 : 8;
    rgb.pixels = reinterpret_cast<std::uint8_t*>(out.pixels.data());
    rgb.rowBytes = std::uint32_t(out.pixels.row_bytes());
    if (const avifResult result = avifImageYUVToRGB(&picture, &rgb); result != AVIF_RESULT_OK)
        fail(in.name, ": damaged or unsupported AVIF: ", avifResultToString(result));
    if (picture.yuvFormat == AVIF_PIXEL_FORMAT_YUV400) { // gray
        image gray(out.pixels.height(), out.pixels.width(), alpha ? 2 : 1, out.pixels.type());
        with_samples_of(gray.type(), [&]<class T>(T) {
            const std::size_t from = std::size_t(out.pixels.channels()), to = std::size_t(gray.channels());
            for (int y = 0; y < gray.height(); ++y)
                for (std::size_t x = 0; x < std::size_t(gray.width()); ++x) {
                    gray.row<T>(y)[to * x] = out.pixels.row<T>(y)[from * x];
                    if (alpha) gray.row<T>(y)[to * x + 1] = out.pixels.row<T>(y)[from * x + 3];
                }
        });
        out.pixels = std::move(gray);
    }
    read_avif_metadata(in, picture, out);
    return out;
}

} // namespace fovea::detail
