// The size and type of a picture, read without decoding its pixels: for listings and for planning.
#pragma once
#include <cstdio>

#include "fovea/io/image/read.hpp"

namespace fovea {

// What is known of a picture before its pixels are decoded.
struct image_header {
    image_format format = image_format::unknown;
    int height = 0, width = 0; // upright, as read_image() returns it
    int channels = 0;          // one less in the image if alpha turns out to be unused (BMP, GIF, TGA, WebP)
    sample_type type = sample_type::u8;
};

namespace detail {

// Reads gray or colour and the number of bits from the first frame header (ITU T.81, B.2.2).
inline image_header header_of_jpeg(const encoded_image& in) {
    image_header h{.format = image_format::jpeg};
    int orientation = 1;
    for_jpeg_segments(in.bytes, [&](int marker, std::span<const std::byte> data) {
        const bool frame = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
        if (marker == 0xe1 && orientation == 1 && bytes_are(data, 0, jpeg_exif_begin))
            orientation = exif_orientation(data);
        if (!frame || data.size() < 6 || h.width > 0) return;
        h.height = int(big_endian(data, 1, 2));
        h.width = int(big_endian(data, 3, 2));
        h.channels = byte_at(data, 5) == 1 ? 1 : 3;
    });
    if (orientation >= 5) std::swap(h.height, h.width);
    return h;
}

inline image_header header_of_png(const encoded_image& in) {
    image_header h{.format = image_format::png};
    int orientation = 1;
    for_png_chunks(in.bytes, [&](const std::string& type, std::span<const std::byte> data) {
        if (type == "IHDR" && data.size() == 13) {
            h.width = int(png_number(data, 0));
            h.height = int(png_number(data, 4));
            const unsigned colour = byte_at(data, 9);
            h.type = byte_at(data, 8) == 16 ? sample_type::u16 : sample_type::u8;
            h.channels = (colour & 2 ? 3 : 1) + (colour & 4 ? 1 : 0);
        }
        if (type == "tRNS" && (h.channels == 1 || h.channels == 3)) ++h.channels;
        if (type == "eXIf") orientation = exif_orientation(data);
    });
    if (orientation >= 5) std::swap(h.height, h.width);
    return h;
}

inline image_header header_of_gif(const encoded_image& in) {
    return {image_format::gif, int(byte_at(in.bytes, 8) | byte_at(in.bytes, 9) << 8),
            int(byte_at(in.bytes, 6) | byte_at(in.bytes, 7) << 8), 4};
}

#if FOVEA_WITH_LIBWEBP
inline image_header header_of_webp(const encoded_image& in) {
    WebPBitstreamFeatures features;
    const auto status = WebPGetFeatures(webp_bytes(in.bytes), in.bytes.size(), &features);
    if (status != VP8_STATUS_OK) fail_webp(in, status);
    image_header h{image_format::webp, features.height, features.width, features.has_alpha ? 4 : 3};
    const WebPData data{webp_bytes(in.bytes), in.bytes.size()};
    const std::unique_ptr<WebPDemuxer, void (*)(WebPDemuxer*)> container(WebPDemux(&data), WebPDemuxDelete);
    decoded_image found;
    read_webp_metadata(in, container.get(), found);
    if (found.orientation >= 5) std::swap(h.height, h.width);
    return h;
}
#endif

#if FOVEA_WITH_LIBTIFF
inline image_header header_of_tiff(const encoded_image& in) {
    tiff_session file(in.bytes);
    if (!file) fail(in.name, ": damaged TIFF: ", file.message());
    const tiff_layout t = layout_of_tiff(in, file);
    image_header h{image_format::tiff, int(t.height), int(t.width), 4, sample_type::u8};
    const bool colours = t.colours == 4 || t.photometric == PHOTOMETRIC_PALETTE;
    if (is_plain_tiff(t)) {
        h.channels = colours ? 3 + (t.used() == 2) : t.used();
        h.type = t.type();
    }
    if (file.value<std::uint16_t>(TIFFTAG_ORIENTATION, 1) >= 5) std::swap(h.height, h.width);
    return h;
}
#endif

#if FOVEA_WITH_LIBAVIF
inline image_header header_of_avif(const encoded_image& in) {
    const avif_decoder decoder = parsed_avif(in);
    const avifImage& picture = *decoder->image;
    image_header h{image_format::avif, int(picture.height), int(picture.width),
                   (picture.yuvFormat == AVIF_PIXEL_FORMAT_YUV400 ? 1 : 3) + (decoder->alphaPresent ? 1 : 0),
                   picture.depth > 8 ? sample_type::u16 : sample_type::u8};
    if (avif_orientation(picture) >= 5) std::swap(h.height, h.width);
    return h;
}
#endif

#if FOVEA_WITH_OPENJPEG
inline image_header header_of_jp2(const encoded_image& in) {
    jp2_reader r(in.bytes);
    open_jp2(in, r);
    image_header h{image_format::jp2, int(r.picture->y1 - r.picture->y0), int(r.picture->x1 - r.picture->x0),
                   channels_of_jp2(in, *r.picture)};
    for (OPJ_UINT32 c = 0; c < r.picture->numcomps; ++c)
        if (r.picture->comps[c].prec > 8) h.type = sample_type::u16;
    return h;
}
#endif

inline image_header header_of(const encoded_image& in) {
    const image_format format = readable_format(in);
    if (format == image_format::png || format == image_format::jpeg) // the decoder reports damaged headers
        if (const auto h = format == image_format::png ? header_of_png(in) : header_of_jpeg(in); h.channels > 0)
            return h;
    if (format == image_format::gif) return header_of_gif(in);
    if (format == image_format::bmp) {
        const bmp_header b = read_bmp_header(in);
        return {format, int(b.height), int(b.width), has_bmp_alpha(b) ? 4 : 3};
    }
    if (format == image_format::tga) {
        const tga_header t = read_tga_header(in);
        return {format, t.height, t.width, t.channels};
    }
    if (format == image_format::pnm) {
        const pnm_header p = read_pnm_header(in);
        return {format, int(p.height), int(p.width), p.channels, p.type()};
    }
#if FOVEA_WITH_LIBWEBP
    if (format == image_format::webp) return header_of_webp(in);
#endif
#if FOVEA_WITH_LIBTIFF
    if (format == image_format::tiff) return header_of_tiff(in);
#endif
#if FOVEA_WITH_LIBAVIF
    if (format == image_format::avif) return header_of_avif(in);
#endif
#if FOVEA_WITH_OPENJPEG
    if (format == image_format::jp2) return header_of_jp2(in);
#endif
    const decoded_image d = decode(in); // JPEG XL, and files with damaged headers
    const image decoded = upright(d.pixels, d.orientation);
    return {format, decoded.height(), decoded.width(), decoded.channels(), decoded.type()};
}

} // namespace detail

// Returns the header of the picture. A picture with a valid header may still be damaged. Throws like read_image() if
// there is no valid header or it claims too many pixels.
inline image_header read_image_header(std::span<const std::byte> bytes, std::string_view name,
                                      const read_options& options = {}) {
    const detail::encoded_image in{bytes, name, options.max_pixels};
    const image_header h = detail::header_of(in);
    if (h.channels == 0) fail(name, ": damaged ", name_of(h.format), ": no header");
    detail::check_claimed_size(in, h.width, h.height);
    return h;
}

// Reads the header of a picture from a file.
inline image_header read_image_header(const std::filesystem::path& path, const read_options& options = {}) {
    return read_image_header(read_file(path), path.string(), options);
}

// Returns the format of a file by its first bytes; unknown if it cannot be opened. A file that may be TGA needs a name
// in .tga .icb .vda .vst to count as such, because TGA has no signature.
inline image_format recognise_file(const std::filesystem::path& path) {
    std::error_code ignored;
    if (!std::filesystem::is_regular_file(path, ignored)) return image_format::unknown; // a pipe would lose bytes
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(detail::open_file(path, "rb"), std::fclose);
    if (!file) return image_format::unknown;
    std::byte bytes[256];
    const image_format format = recognise({bytes, std::fread(bytes, 1, sizeof bytes, file.get())});
    if (format != image_format::tga) return format;
    const std::string extension = detail::lower_extension(path);
    const bool named = extension == ".tga" || extension == ".icb" || extension == ".vda" || extension == ".vst";
    return named ? format : image_format::unknown;
}

} // namespace fovea
