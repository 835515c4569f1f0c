// Reads JPEG 2000 by openjpeg (FOVEA_WITH_OPENJPEG): JP2 files and bare codestreams; up to 8 bits as 8, up to 16 bits
// as 16; gray and RGB, with alpha; sYCC becomes RGB.
#pragma once
#include <openjpeg.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include "fovea/image/convert.hpp"
#include "fovea/io/image/metadata_blocks.hpp"

namespace fovea::detail {

struct jp2_reader {
    std::span<const std::byte> bytes;
    std::size_t at = 0;
    std::string message{}; // the first error
    std::unique_ptr<opj_stream_t, void (*)(opj_stream_t*)> stream{nullptr, opj_stream_destroy};
    std::unique_ptr<opj_codec_t, void (*)(opj_codec_t*)> codec{nullptr, opj_destroy_codec};
    std::unique_ptr<opj_image_t, void (*)(opj_image_t*)> picture{nullptr, opj_image_destroy};

    explicit jp2_reader(std::span<const std::byte> from) : bytes(from) {}
    jp2_reader(const jp2_reader&) = delete;
    jp2_reader& operator=(const jp2_reader&) = delete;

    static OPJ_SIZE_T read(void* to, OPJ_SIZE_T size, void* self) {
        auto& r = *static_cast<jp2_reader*>(self);
        const std::size_t taken = std::min(size, r.bytes.size() - r.at);
        if (taken == 0) return OPJ_SIZE_T(-1);
        std::copy_n(r.bytes.begin() + std::ptrdiff_t(r.at), taken, static_cast<std::byte*>(to));
        r.at += taken;
        return taken;
    }
    static OPJ_OFF_T skip(OPJ_OFF_T count, void* self) {
        auto& r = *static_cast<jp2_reader*>(self);
        if (count < 0 || std::uint64_t(count) > r.bytes.size() - r.at) return -1;
        r.at += std::size_t(count);
        return count;
    }
    static OPJ_BOOL seek(OPJ_OFF_T to, void* self) {
        auto& r = *static_cast<jp2_reader*>(self);
        if (to < 0 || std::uint64_t(to) > r.bytes.size()) return OPJ_FALSE;
        r.at = std::size_t(to);
        return OPJ_TRUE;
    }
    static void on_error(const char* text, void* self) {
        std::string& message = static_cast<jp2_reader*>(self)->message;
        if (message.empty()) message = text;
        std::erase(message, '\n');
    }
};

inline void open_jp2(const encoded_image& in, jp2_reader& r) {
    const bool bare = bytes_are(in.bytes, 0, "\xff\x4f");
    r.codec.reset(opj_create_decompress(bare ? OPJ_CODEC_J2K : OPJ_CODEC_JP2));
    r.stream.reset(opj_stream_create(1 << 16, OPJ_TRUE));
    if (!r.codec || !r.stream) fail(in.name, ": openjpeg is out of memory");
    opj_stream_set_user_data(r.stream.get(), &r, nullptr);
    opj_stream_set_user_data_length(r.stream.get(), in.bytes.size());
    opj_stream_set_read_function(r.stream.get(), &jp2_reader::read);
    opj_stream_set_skip_function(r.stream.get(), &jp2_reader::skip);
    opj_stream_set_seek_function(r.stream.get(), &jp2_reader::seek);
    opj_set_error_handler(r.codec.get(), &jp2_reader::on_error, &r);
    opj_set_warning_handler(
        r.codec.get(), [](const char*, void*) {}, nullptr);
    opj_set_info_handler(
        r.codec.get(), [](const char*, void*) {}, nullptr);
    opj_dparameters_t parameters;
    opj_set_default_decoder_parameters(&parameters);
    opj_image_t* picture = nullptr;
    const bool read =
        opj_setup_decoder(r.codec.get(), &parameters) && opj_read_header(r.stream.get(), r.codec.get(), &picture);
    r.picture.reset(picture);
    if (!read) fail(in.name, ": damaged JPEG 2000: ", r.message.empty() ? "no header" : r.message);
    check_claimed_size(in, std::int64_t(picture->x1) - picture->x0, std::int64_t(picture->y1) - picture->y0);
}

// Returns the number of channels of the picture: 1 gray, 2 gray and alpha, 3 colours, 4 colours and alpha.
inline int channels_of_jp2(const encoded_image& in, const opj_image_t& picture) {
    if (picture.numcomps < 1 || picture.numcomps > 4 || picture.color_space == OPJ_CLRSPC_CMYK)
        fail(in.name, ": unsupported JPEG 2000: ", picture.numcomps, " components",
             picture.color_space == OPJ_CLRSPC_CMYK ? " of CMYK" : "");
    for (OPJ_UINT32 c = 0; c < picture.numcomps; ++c)
        if (picture.comps[c].prec < 1 || picture.comps[c].prec > 16)
            fail(in.name, ": unsupported JPEG 2000: ", picture.comps[c].prec, " bits per sample");
    return int(picture.numcomps);
}

// Returns a component's value at a pixel as a fraction of white. Subsampled components give the nearest sample.
inline double jp2_value(const opj_image_comp_t& c, std::uint32_t height, std::uint32_t width, int y, int x) {
    const std::size_t v = std::min<std::size_t>(std::size_t(y) * c.h / height, c.h - 1);
    const std::size_t u = std::min<std::size_t>(std::size_t(x) * c.w / width, c.w - 1);
    const double offset = c.sgnd ? double(1 << (c.prec - 1)) : 0;
    return (c.data[v * c.w + u] + offset) / double((1 << c.prec) - 1);
}

// Reads the metadata of a JP2 file: XMP and EXIF are in boxes of type UUID.
inline void read_jp2_boxes(const encoded_image& in, image_metadata& m) {
    using namespace std::string_view_literals;
    const auto number = [&](std::size_t at) {
        std::size_t n = 0;
        for (std::size_t i = 0; i < 4; ++i) n = n << 8 | byte_at(in.bytes, at + i);
        return n;
    };
    for (std::size_t at = 0; at + 8 <= in.bytes.size();) {
        const std::size_t size = number(at);
        if (size < 8 || size > in.bytes.size() - at) return; // the last box, or one with a 64-bit size: the codestream
        const auto body = in.bytes.subspan(at + 8, size - 8);
        if (bytes_are(in.bytes, at + 4, "uuid") && body.size() > 16) {
            if (bytes_are(body, 0, "\xbe\x7a\xcf\xcb\x97\xa9\x42\xe8\x9c\x71\x99\x94\x91\xe3\xaf\xac"sv))
                take_xmp(in, body.subspan(16), m);
            if (bytes_are(body, 0, "JpgTiffExif->JP2"sv)) take_exif(in, body.subspan(16), m);
        }
        at += size;
    }
}

inline decoded_image decode_jp2(const encoded_image& in) {
    jp2_reader r(in.bytes);
    open_jp2(in, r);
    opj_image_t& picture = *r.picture;
    if (!opj_decode(r.codec.get(), r.stream.get(), &picture) || !opj_end_decompress(r.codec.get(), r.stream.get()))
        fail(in.name, ": damaged JPEG 2000: ", r.message.empty() ? "the file ends early" : r.message);
    const int channels = channels_of_jp2(in, picture);
    const std::uint32_t height = picture.y1 - picture.y0, width = picture.x1 - picture.x0;
    bool wide = false;
    for (int c = 0; c < channels; ++c) {
        const opj_image_comp_t& comp = picture.comps[c];
        if (!comp.data || comp.w < 1 || comp.h < 1) fail(in.name, ": damaged JPEG 2000: a component is missing");
        wide |= comp.prec > 8;
    }
    decoded_image out;
    out.pixels = image(int(height), int(width), channels, wide ? sample_type::u16 : sample_type::u8);
    const bool luma = picture.color_space == OPJ_CLRSPC_SYCC && channels >= 3;
    with_samples_of(out.pixels.type(), [&]<class T>(T) {
        for (int y = 0; y < out.pixels.height(); ++y)
            for (int x = 0; x < out.pixels.width(); ++x) {
                double v[4] = {};
                for (int c = 0; c < channels; ++c) v[c] = jp2_value(picture.comps[c], height, width, y, x);
                if (luma) { // full range, BT.601
                    const double cb = v[1] - 128. / 255, cr = v[2] - 128. / 255;
                    v[2] = v[0] + 1.772 * cb, v[1] = v[0] - 0.344136 * cb - 0.714136 * cr, v[0] += 1.402 * cr;
                }
                for (int c = 0; c < channels; ++c)
                    out.pixels.row<T>(y)[std::size_t(x * channels + c)] = sample_of<T>(float(v[c]));
            }
    });
    if (picture.icc_profile_buf && picture.icc_profile_len > 0)
        take_icc(in, block_of({reinterpret_cast<const std::byte*>(picture.icc_profile_buf), picture.icc_profile_len}),
                 out.metadata);
    read_jp2_boxes(in, out.metadata);
    return out;
}

} // namespace fovea::detail
