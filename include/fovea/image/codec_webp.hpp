// WebP by libwebp and libwebpdemux (FOVEA_WITH_LIBWEBP). Reads lossy and lossless files, with alpha, and of animations
// the first frame, on a transparent canvas where it does not cover it. Writes RGB and RGBA of 8 bits.
#pragma once
#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/encode.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "fovea/core/atomic_file.hpp"
#include "fovea/image/codec.hpp"
#include "fovea/image/orientation.hpp"

namespace fovea::detail {

inline const std::uint8_t* webp_bytes(std::span<const std::byte> b) {
    return reinterpret_cast<const std::uint8_t*>(b.data());
}

[[noreturn]] inline void fail_webp(const encoded_image& in, VP8StatusCode status) {
    constexpr const char* reasons[] = {"ok",           "out of memory",       "invalid parameter",
                                       "damaged data", "unsupported feature", "suspended",
                                       "user abort",   "the file ends early"};
    if (status == VP8_STATUS_SUSPENDED) status = VP8_STATUS_NOT_ENOUGH_DATA;
    fail(in.name, ": damaged WebP: ", reasons[status]);
}

// One frame: a still file or an animation's frame as libwebpdemux gives it. (H,W,3 or 4), u8.
inline image decode_webp_frame(const encoded_image& in) {
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config)) fail("libwebp cannot be used: compiled against another version");
    const auto status = WebPGetFeatures(webp_bytes(in.bytes), in.bytes.size(), &config.input);
    if (status != VP8_STATUS_OK) fail_webp(in, status);
    check_claimed_size(in, config.input.width, config.input.height);
    image out(config.input.height, config.input.width, config.input.has_alpha ? 4 : 3);
    config.output.colorspace = config.input.has_alpha ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = reinterpret_cast<std::uint8_t*>(out.data());
    config.output.u.RGBA.stride = int(out.row_bytes());
    config.output.u.RGBA.size = out.row_bytes() * std::size_t(out.height());
    const auto result = WebPDecode(webp_bytes(in.bytes), in.bytes.size(), &config);
    WebPFreeDecBuffer(&config.output);
    if (result != VP8_STATUS_OK) fail_webp(in, result);
    return out;
}

// frame (h,w,3 or 4) on a transparent canvas (H,W,4) with its top left corner at (y,x); the frame itself where it
// covers the canvas. The container guarantees that the frame lies inside.
inline image webp_canvas(image frame, int height, int width, int y, int x) {
    if (frame.height() == height && frame.width() == width) return frame;
    image canvas(height, width, 4);
    const std::size_t channels = std::size_t(frame.channels());
    const int rows = std::min(frame.height(), height - y), columns = std::min(frame.width(), width - x);
    for (int v = 0; v < rows; ++v) {
        const auto from = frame.row<std::uint8_t>(v);
        const auto to = canvas.row<std::uint8_t>(y + v).subspan(4 * std::size_t(x));
        for (std::size_t u = 0; u < std::size_t(columns); ++u) {
            std::copy_n(&from[channels * u], channels, &to[4 * u]);
            if (channels == 3) to[4 * u + 3] = 255;
        }
    }
    return canvas;
}

inline decoded_image decode_webp(const encoded_image& in) {
    WebPBitstreamFeatures features;
    const auto status = WebPGetFeatures(webp_bytes(in.bytes), in.bytes.size(), &features);
    if (status != VP8_STATUS_OK) fail_webp(in, status);
    check_claimed_size(in, features.width, features.height);

    const WebPData data{webp_bytes(in.bytes), in.bytes.size()};
    const std::unique_ptr<WebPDemuxer, void (*)(WebPDemuxer*)> container(WebPDemux(&data), WebPDemuxDelete);
    decoded_image out;
    if (!features.has_animation) {
        out.pixels = decode_webp_frame(in);
    } else {
        WebPIterator frame;
        if (!container || !WebPDemuxGetFrame(container.get(), 1, &frame))
            fail(in.name, ": damaged WebP: no whole first frame");
        const std::unique_ptr<WebPIterator, void (*)(WebPIterator*)> held(&frame, WebPDemuxReleaseIterator);
        const std::span fragment(reinterpret_cast<const std::byte*>(frame.fragment.bytes), frame.fragment.size);
        out.pixels = webp_canvas(decode_webp_frame({fragment, in.name, in.max_pixels}), features.height, features.width,
                                 frame.y_offset, frame.x_offset);
    }
    WebPChunkIterator exif;
    if (container && WebPDemuxGetChunk(container.get(), "EXIF", 1, &exif)) {
        out.orientation = exif_orientation({reinterpret_cast<const std::byte*>(exif.chunk.bytes), exif.chunk.size});
        WebPDemuxReleaseChunkIterator(&exif);
    }
    return out;
}

// pixels: u8, 3 or 4 channels; quality: 1 to 100, for lossless the effort. The caller commits the file, which throws
// where it could not be written.
inline void encode_webp(atomic_file& file, std::string_view name, const image& pixels, int quality, bool lossless) {
    if (std::max(pixels.height(), pixels.width()) > WEBP_MAX_DIMENSION)
        fail(name, ": cannot write WebP: ", pixels.width(), "x", pixels.height(), " pixels: expected at most ",
             WEBP_MAX_DIMENSION, " on each side");
    WebPConfig config;
    WebPPicture picture;
    if (!WebPConfigInit(&config) || !WebPPictureInit(&picture))
        fail("libwebp cannot be used: compiled against another version");
    const std::unique_ptr<WebPPicture, void (*)(WebPPicture*)> held(&picture, WebPPictureFree);
    config.quality = float(quality);
    config.lossless = config.exact = lossless; // exact: colours under transparent pixels are kept
    picture.use_argb = lossless;
    picture.width = pixels.width();
    picture.height = pixels.height();
    picture.custom_ptr = &file;
    picture.writer = [](const std::uint8_t* bytes, std::size_t size, const WebPPicture* p) {
        return int(
            static_cast<atomic_file*>(p->custom_ptr)->try_write({reinterpret_cast<const std::byte*>(bytes), size}));
    };
    const auto* samples = reinterpret_cast<const std::uint8_t*>(pixels.data());
    const auto import = pixels.channels() == 4 ? &WebPPictureImportRGBA : &WebPPictureImportRGB;
    if (import(&picture, samples, int(pixels.row_bytes())) && WebPEncode(&config, &picture)) return;
    file.check();
    fail(
        name, ": cannot write WebP: ",
        picture.error_code == VP8_ENC_ERROR_OUT_OF_MEMORY || picture.error_code == VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY
            ? "out of memory"
            : text_of("libwebp's error ", int(picture.error_code)));
}

} // namespace fovea::detail
