// WebP by libwebp, libwebpdemux and libwebpmux (FOVEA_WITH_LIBWEBP). Reads lossy and lossless files, with alpha; of an
// animation the first frame, on a transparent canvas if it is smaller. Writes RGB and RGBA of 8 bits.
#pragma once
#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/encode.h>
#include <webp/mux.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "fovea/io/atomic_file.hpp"
#include "fovea/io/image/codec.hpp"
#include "fovea/io/image/metadata_blocks.hpp"

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

// Decodes one frame: a still file, or an animation's frame from libwebpdemux. Result: (H,W,3 or 4), u8.
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

// Places a frame (h,w,3 or 4) on a transparent canvas (H,W,4) with its top left corner at (y,x). Returns the frame
// itself if it covers the canvas. The container guarantees that the frame lies inside.
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

inline void read_webp_metadata(const encoded_image& in, const WebPDemuxer* container, decoded_image& out) {
    const auto chunk = [&](const char* type, auto&& take) {
        WebPChunkIterator found;
        if (!container || !WebPDemuxGetChunk(container, type, 1, &found)) return;
        take(std::span(reinterpret_cast<const std::byte*>(found.chunk.bytes), found.chunk.size));
        WebPDemuxReleaseChunkIterator(&found);
    };
    chunk("ICCP", [&](auto bytes) { take_icc(in, block_of(bytes), out.metadata); });
    chunk("EXIF", [&](auto bytes) { out.orientation = take_exif(in, bytes, out.metadata); });
    chunk("XMP ", [&](auto bytes) { take_xmp(in, bytes, out.metadata); });
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
        if (const auto frames = container ? WebPDemuxGetI(container.get(), WEBP_FF_FRAME_COUNT) : 0; frames > 1)
            in.say(": an animation of ", frames, " frames: only the first is read");
        WebPIterator frame;
        if (!container || !WebPDemuxGetFrame(container.get(), 1, &frame))
            fail(in.name, ": damaged WebP: no whole first frame");
        const std::unique_ptr<WebPIterator, void (*)(WebPIterator*)> held(&frame, WebPDemuxReleaseIterator);
        const std::span fragment(reinterpret_cast<const std::byte*>(frame.fragment.bytes), frame.fragment.size);
        out.pixels = webp_canvas(decode_webp_frame({fragment, in.name, in.max_pixels}), features.height, features.width,
                                 frame.y_offset, frame.x_offset);
    }
    read_webp_metadata(in, container.get(), out);
    return out;
}

// Writes the coded picture and its metadata in a container. Returns false if the library fails.
inline bool write_webp_with(atomic_file& file, const WebPMemoryWriter& coded, const image_metadata& m) {
    const std::unique_ptr<WebPMux, void (*)(WebPMux*)> mux(WebPMuxNew(), WebPMuxDelete);
    const WebPData picture{coded.mem, coded.size};
    if (!mux || WebPMuxSetImage(mux.get(), &picture, 0) != WEBP_MUX_OK) return false;
    const auto set = [&](const char* type, const byte_block& block) {
        const WebPData data{webp_bytes(block), block.size()};
        return block.empty() || WebPMuxSetChunk(mux.get(), type, &data, 0) == WEBP_MUX_OK;
    };
    WebPData whole{};
    const std::unique_ptr<WebPData, void (*)(WebPData*)> held(&whole, WebPDataClear);
    if (!set("ICCP", m.icc) || !set("EXIF", m.exif) || !set("XMP ", m.xmp)) return false;
    if (WebPMuxAssemble(mux.get(), &whole) != WEBP_MUX_OK) return false;
    return file.try_write({reinterpret_cast<const std::byte*>(whole.bytes), whole.size});
}

// Writes an image of type u8 with 3 or 4 channels; quality is 1 to 100, for lossless files the effort. The caller
// commits the file, which throws if it could not be written.
inline void encode_webp(atomic_file& file, std::string_view name, const image& pixels, int quality, bool lossless,
                        const image_metadata& m) {
    WebPConfig config;
    WebPPicture picture;
    if (!WebPConfigInit(&config) || !WebPPictureInit(&picture))
        fail("libwebp cannot be used: compiled against another version");
    const std::unique_ptr<WebPPicture, void (*)(WebPPicture*)> held(&picture, WebPPictureFree);
    config.quality = float(quality);
    config.lossless = config.exact = lossless; // exact: keeps colours under transparent pixels
    picture.use_argb = lossless;
    picture.width = pixels.width();
    picture.height = pixels.height();
    WebPMemoryWriter coded; // must be complete before the container with the metadata can be written
    WebPMemoryWriterInit(&coded);
    const std::unique_ptr<WebPMemoryWriter, void (*)(WebPMemoryWriter*)> memory(&coded, WebPMemoryWriterClear);
    picture.custom_ptr = &coded;
    picture.writer = &WebPMemoryWrite;
    const auto* samples = reinterpret_cast<const std::uint8_t*>(pixels.data());
    const auto import = pixels.channels() == 4 ? &WebPPictureImportRGBA : &WebPPictureImportRGB;
    if (import(&picture, samples, int(pixels.row_bytes())) && WebPEncode(&config, &picture)) {
        const bool plain = m.icc.empty() && m.exif.empty() && m.xmp.empty();
        if (plain ? file.try_write({reinterpret_cast<const std::byte*>(coded.mem), coded.size})
                  : write_webp_with(file, coded, m))
            return;
    }
    file.check();
    fail(
        name, ": cannot write WebP: ",
        picture.error_code == VP8_ENC_ERROR_OUT_OF_MEMORY || picture.error_code == VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY
            ? "out of memory"
            : text_of("libwebp's error ", int(picture.error_code)));
}

} // namespace fovea::detail
