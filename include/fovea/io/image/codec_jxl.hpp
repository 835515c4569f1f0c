// Reads JPEG XL by libjxl (FOVEA_WITH_LIBJXL): up to 8 bits as 8, up to 16 as 16, floats as float; gray and RGB, with
// alpha. Of an animation the first frame is read. libjxl applies the orientation itself.
#pragma once
#include <jxl/decode.h>

#include <memory>

#include "fovea/image/convert.hpp"
#include "fovea/io/image/metadata_blocks.hpp"

namespace fovea::detail {

struct jxl_reader {
    std::unique_ptr<JxlDecoder, void (*)(JxlDecoder*)> decoder{JxlDecoderCreate(nullptr), JxlDecoderDestroy};
    JxlBasicInfo info{};
    JxlPixelFormat format{};
    byte_block box{}; // contents of the box that is being read
    std::string box_type{};

    JxlDecoder* get() const { return decoder.get(); }
};

inline void take_jxl_info(const encoded_image& in, jxl_reader& r, image& pixels) {
    if (JxlDecoderGetBasicInfo(r.get(), &r.info) != JXL_DEC_SUCCESS) fail(in.name, ": damaged JPEG XL: no header");
    check_claimed_size(in, r.info.xsize, r.info.ysize);
    const sample_type type = r.info.exponent_bits_per_sample > 0 || r.info.bits_per_sample > 16 ? sample_type::f32
                             : r.info.bits_per_sample > 8                                       ? sample_type::u16
                                                                                                : sample_type::u8;
    const unsigned channels = (r.info.num_color_channels == 1 ? 1u : 3u) + (r.info.alpha_bits > 0);
    r.format = {channels,
                type == sample_type::f32   ? JXL_TYPE_FLOAT
                : type == sample_type::u16 ? JXL_TYPE_UINT16
                                           : JXL_TYPE_UINT8,
                JXL_NATIVE_ENDIAN, 0};
    pixels = image(int(r.info.ysize), int(r.info.xsize), int(channels), type);
}

// Takes the colour profile of the decoded samples. sRGB gets none, because that is what a missing profile means.
inline void take_jxl_profile(const encoded_image& in, const jxl_reader& r, image_metadata& m) {
    JxlColorEncoding colours{};
    const auto target = JXL_COLOR_PROFILE_TARGET_DATA;
    std::size_t size = 0;
    byte_block icc;
#if JPEGXL_NUMERIC_VERSION >= JPEGXL_COMPUTE_NUMERIC_VERSION(0, 9, 0)
    const bool known = JxlDecoderGetColorAsEncodedProfile(r.get(), target, &colours) == JXL_DEC_SUCCESS;
    if (JxlDecoderGetICCProfileSize(r.get(), target, &size) != JXL_DEC_SUCCESS) return;
#else
    const bool known = JxlDecoderGetColorAsEncodedProfile(r.get(), &r.format, target, &colours) == JXL_DEC_SUCCESS;
    if (JxlDecoderGetICCProfileSize(r.get(), &r.format, target, &size) != JXL_DEC_SUCCESS) return;
#endif
    if (known && colours.transfer_function == JXL_TRANSFER_FUNCTION_SRGB &&
        colours.white_point == JXL_WHITE_POINT_D65 &&
        (colours.color_space == JXL_COLOR_SPACE_GRAY || colours.primaries == JXL_PRIMARIES_SRGB))
        return;
    if (!fits_in_memory(in, "colour profile", size)) return;
    icc.resize(size);
    auto* to = reinterpret_cast<std::uint8_t*>(icc.data());
#if JPEGXL_NUMERIC_VERSION >= JPEGXL_COMPUTE_NUMERIC_VERSION(0, 9, 0)
    const auto status = JxlDecoderGetColorAsICCProfile(r.get(), target, to, size);
#else
    const auto status = JxlDecoderGetColorAsICCProfile(r.get(), &r.format, target, to, size);
#endif
    if (status == JXL_DEC_SUCCESS) take_icc(in, std::move(icc), m);
}

// Processes the box that has been read completely.
inline void end_jxl_box(const encoded_image& in, jxl_reader& r, image_metadata& m) {
    if (r.box_type.empty()) return;
    r.box.resize(r.box.size() - JxlDecoderReleaseBoxBuffer(r.get()));
    const std::span<const std::byte> bytes = r.box;
    if (r.box_type == "xml ") take_xmp(in, bytes, m);
    if (r.box_type == "Exif" && bytes.size() > 4) { // an offset precedes the block
        const std::size_t skip =
            4 + (byte_at(bytes, 0) << 24 | byte_at(bytes, 1) << 16 | byte_at(bytes, 2) << 8 | byte_at(bytes, 3));
        if (skip < bytes.size()) take_exif(in, bytes.subspan(skip), m);
    }
    r.box_type.clear();
}
inline void begin_jxl_box(jxl_reader& r) {
    JxlBoxType type{};
    if (JxlDecoderGetBoxType(r.get(), type, JXL_TRUE) != JXL_DEC_SUCCESS) return;
    const std::string name(type, 4);
    if (name != "Exif" && name != "xml ") return;
    r.box_type = name;
    r.box.assign(65536, std::byte(0));
    JxlDecoderSetBoxBuffer(r.get(), reinterpret_cast<std::uint8_t*>(r.box.data()), r.box.size());
}
inline void grow_jxl_box(jxl_reader& r) {
    const std::size_t filled = r.box.size() - JxlDecoderReleaseBoxBuffer(r.get());
    if (filled > largest_metadata_block) {
        r.box_type.clear(); // the rest is skipped
        return;
    }
    r.box.resize(filled * 2 + 65536);
    JxlDecoderSetBoxBuffer(r.get(), reinterpret_cast<std::uint8_t*>(r.box.data() + filled), r.box.size() - filled);
}

inline decoded_image decode_jxl(const encoded_image& in) {
    jxl_reader r;
    decoded_image out;
    const int wanted = JXL_DEC_BASIC_INFO | JXL_DEC_COLOR_ENCODING | JXL_DEC_FULL_IMAGE | JXL_DEC_BOX | JXL_DEC_FRAME;
    if (!r.get() || JxlDecoderSubscribeEvents(r.get(), wanted) != JXL_DEC_SUCCESS)
        fail(in.name, ": libjxl cannot be used");
    JxlDecoderSetDecompressBoxes(r.get(), JXL_TRUE);
    JxlDecoderSetUnpremultiplyAlpha(r.get(), JXL_TRUE);
    JxlDecoderSetInput(r.get(), reinterpret_cast<const std::uint8_t*>(in.bytes.data()), in.bytes.size());
    // The input is left open, because libjxl would print a message about a truncated file otherwise.
    bool whole = false;
    int frames = 0;
    while (true) {
        const JxlDecoderStatus status = JxlDecoderProcessInput(r.get());
        const bool ended = status == JXL_DEC_SUCCESS || (whole && status == JXL_DEC_NEED_MORE_INPUT);
        if (status == JXL_DEC_BOX || ended) end_jxl_box(in, r, out.metadata);
        if (ended) break;
        if (status == JXL_DEC_BASIC_INFO) {
            take_jxl_info(in, r, out.pixels);
        } else if (status == JXL_DEC_COLOR_ENCODING) {
            take_jxl_profile(in, r, out.metadata);
        } else if (status == JXL_DEC_BOX) {
            begin_jxl_box(r);
        } else if (status == JXL_DEC_BOX_NEED_MORE_OUTPUT) {
            grow_jxl_box(r);
        } else if (status == JXL_DEC_FRAME) {
            if (++frames > 1) JxlDecoderSkipCurrentFrame(r.get());
        } else if (status == JXL_DEC_NEED_IMAGE_OUT_BUFFER) {
            const std::size_t bytes = out.pixels.row_bytes() * std::size_t(out.pixels.height());
            if (JxlDecoderSetImageOutBuffer(r.get(), &r.format, out.pixels.data(), bytes) != JXL_DEC_SUCCESS)
                fail(in.name, ": unsupported JPEG XL");
        } else if (status == JXL_DEC_FULL_IMAGE) {
            whole = true;
        } else {
            if (whole) break; // damage after the picture
            fail(in.name, ": damaged JPEG XL", status == JXL_DEC_NEED_MORE_INPUT ? ": the file ends early" : "");
        }
    }
    if (!whole) fail(in.name, ": damaged JPEG XL: no picture");
    if (frames > 1) in.say(": an animation of ", frames, " frames: only the first is read");
    set_exif_orientation(out.metadata.exif, 1);
    return out;
}

} // namespace fovea::detail
