// Reads TIFF by libtiff (FOVEA_WITH_LIBTIFF): the first page, in strips or tiles, with interleaved or separate planes,
// and with every compression of this libtiff.
//
//   1 to 8 bits -> 8 bits     9 to 16 bits -> 16 bits     32 bits -> 16 bits     floats of 16, 32, 64 bits -> float
//
// Floats are not clamped to 0..1. Gray (0 black or white), RGB and palettes are read; CMYK becomes RGB; premultiplied
// alpha is divided out. Everything else (YCbCr, CIE Lab) is converted by libtiff to RGB of 8 bits.
#pragma once
#include "fovea/core/half.hpp"
#include "fovea/io/image/cmyk.hpp"
#include "fovea/io/image/tiff_directories.hpp"
#include "fovea/io/image/tiff_session.hpp"

namespace fovea::detail {

struct tiff_layout {
    std::uint32_t width = 0, height = 0;
    std::uint16_t bits = 1, samples = 1, format = SAMPLEFORMAT_UINT, photometric = 0, planes = PLANARCONFIG_CONTIG;
    std::uint16_t compression = COMPRESSION_NONE, alpha = 0; // alpha: EXTRASAMPLE_..., or 0 without alpha
    bool tiled = false;
    int colours = 1; // stored samples that are not extra samples
    int used() const { return colours + (alpha != 0 && colours != 4); }
    bool apart() const { return planes == PLANARCONFIG_SEPARATE; }
    sample_type type() const {
        return format == SAMPLEFORMAT_IEEEFP ? sample_type::f32 : bits <= 8 ? sample_type::u8 : sample_type::u16;
    }
};

inline tiff_layout layout_of_tiff(const encoded_image& in, const tiff_session& file) {
    tiff_layout t;
    t.width = file.value<std::uint32_t>(TIFFTAG_IMAGEWIDTH);
    t.height = file.value<std::uint32_t>(TIFFTAG_IMAGELENGTH);
    check_claimed_size(in, t.width, t.height);
    t.bits = file.value<std::uint16_t>(TIFFTAG_BITSPERSAMPLE, 1);
    t.samples = file.value<std::uint16_t>(TIFFTAG_SAMPLESPERPIXEL, 1);
    t.format = file.value<std::uint16_t>(TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT);
    if (t.format == SAMPLEFORMAT_VOID) t.format = SAMPLEFORMAT_UINT;
    t.planes = file.value<std::uint16_t>(TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    t.compression = file.value<std::uint16_t>(TIFFTAG_COMPRESSION, COMPRESSION_NONE);
    if (!TIFFGetField(file.get(), TIFFTAG_PHOTOMETRIC, &t.photometric))
        t.photometric = t.samples >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
    t.tiled = TIFFIsTiled(file.get()) != 0;
    if (t.photometric == PHOTOMETRIC_YCBCR && t.compression == COMPRESSION_JPEG && !t.apart()) {
        TIFFSetField(file.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
        t.photometric = PHOTOMETRIC_RGB;
    }
    t.colours = t.photometric == PHOTOMETRIC_RGB ? 3 : t.photometric == PHOTOMETRIC_SEPARATED ? 4 : 1;
    std::uint16_t extras = 0, *kinds = nullptr;
    if (TIFFGetField(file.get(), TIFFTAG_EXTRASAMPLES, &extras, &kinds) && extras > 0 && kinds) t.alpha = kinds[0];
    if (t.samples < t.colours + (t.alpha != 0)) t.alpha = 0;
    return t;
}

// Returns whether the samples have a layout that is read here; libtiff may be able to convert others.
inline bool is_plain_tiff(const tiff_layout& t) {
    const bool colours = t.photometric <= PHOTOMETRIC_PALETTE || t.photometric == PHOTOMETRIC_SEPARATED;
    const bool whole = t.format == SAMPLEFORMAT_UINT && (t.bits <= 16 || t.bits == 32) && t.bits > 0;
    const bool real = t.format == SAMPLEFORMAT_IEEEFP && (t.bits == 16 || t.bits == 32 || t.bits == 64);
    if (t.photometric == PHOTOMETRIC_PALETTE && (!whole || t.bits > 8)) return false;
    return colours && (whole || real) && t.samples >= t.colours && t.samples <= 64;
}

// Returns sample i of a row as a sample of type T. Palette indices are not scaled.
template <class T> T tiff_sample(const std::byte* row, std::size_t i, const tiff_layout& t) {
    const auto load = [&]<class Stored>(Stored value) {
        std::memcpy(&value, row + i * sizeof value, sizeof value);
        return value;
    };
    if constexpr (std::is_same_v<T, float>) {
        if (t.bits == 16) return float_from_half(load(std::uint16_t{}));
        return t.bits == 32 ? load(float{}) : float(load(double{}));
    } else {
        if (t.bits == 8 || (t.bits == 16 && sizeof(T) == 2)) return load(T{});
        if (t.bits == 32) return T(load(std::uint32_t{}) >> 16);
        std::uint32_t value = 0; // high bit first
        for (std::size_t bit = i * t.bits, end = bit + t.bits; bit < end; ++bit)
            value = value << 1 | (std::to_integer<std::uint32_t>(row[bit / 8]) >> (7 - bit % 8) & 1);
        const std::uint32_t most = (1u << t.bits) - 1;
        return t.photometric == PHOTOMETRIC_PALETTE ? T(value) : T((value * std::uint64_t(T(~T(0))) + most / 2) / most);
    }
}

// Copies one strip or tile, of all samples or of one plane, to its place.
template <class T>
void place_tiff_block(const byte_block& block, std::size_t row_bytes, int top, int left, int rows, int columns,
                      int plane, const tiff_layout& t, image& out) {
    const int samples = t.apart() ? 1 : t.samples, used = t.apart() ? 1 : out.channels();
    for (int y = 0; y < std::min(rows, out.height() - top); ++y) {
        const std::byte* from = block.data() + row_bytes * std::size_t(y);
        T* to = out.row<T>(top + y).data() + std::size_t(left) * std::size_t(out.channels()) + plane;
        for (int x = 0; x < std::min(columns, out.width() - left); ++x)
            for (int c = 0; c < used; ++c)
                to[std::size_t(x) * std::size_t(out.channels()) + std::size_t(c)] =
                    tiff_sample<T>(from, std::size_t(x) * std::size_t(samples) + std::size_t(c), t);
    }
}

// Returns the samples as stored, (H,W,used), scaled to their type.
inline image stored_tiff(const encoded_image& in, tiff_session& file, const tiff_layout& t) {
    TIFF* tiff = file.get();
    const auto columns = t.tiled ? file.value<std::uint32_t>(TIFFTAG_TILEWIDTH) : t.width;
    auto rows = file.value<std::uint32_t>(t.tiled ? TIFFTAG_TILELENGTH : TIFFTAG_ROWSPERSTRIP, t.height);
    if (!t.tiled) rows = std::min(rows, t.height);
    const tmsize_t size = t.tiled ? TIFFTileSize(tiff) : TIFFStripSize(tiff);
    const tmsize_t row_bytes = t.tiled ? TIFFTileRowSize(tiff) : TIFFScanlineSize(tiff);
    const std::uint64_t bits = std::uint64_t(columns) * t.bits * (t.apart() ? 1 : t.samples);
    if (rows == 0 || columns == 0 || row_bytes <= 0 || std::uint64_t(row_bytes) < (bits + 7) / 8 ||
        size < row_bytes * tmsize_t(rows) || std::uint64_t(size) / 16 / 64 > in.max_pixels)
        fail(in.name, ": damaged TIFF: ", t.tiled ? "tiles" : "strips", " of ", columns, "x", rows, " pixels");
    // A claim that the bytes cannot hold is refused before memory is allocated. Blank rows of fax codes shrink the
    // most, to one bit.
    const std::uint64_t most = t.compression == COMPRESSION_NONE ? 1 : 65536;
    if ((bits + 7) / 8 * t.height / most * std::uint64_t(t.apart() ? t.used() : 1) > in.bytes.size())
        fail(in.name, ": damaged TIFF: claims ", t.width, "x", t.height, " pixels in ", in.bytes.size(), " bytes");

    image out(int(t.height), int(t.width), t.used(), t.type());
    byte_block block(static_cast<std::size_t>(size));
    for (int plane = 0; plane < (t.apart() ? t.used() : 1); ++plane)
        for (std::uint32_t y = 0; y < t.height; y += std::min(rows, t.height - y))
            for (std::uint32_t x = 0; x < t.width; x += std::min(columns, t.width - x)) {
                const auto p = std::uint16_t(plane);
                const tmsize_t got =
                    t.tiled ? TIFFReadEncodedTile(tiff, TIFFComputeTile(tiff, x, y, 0, p), block.data(), size)
                            : TIFFReadEncodedStrip(tiff, TIFFComputeStrip(tiff, y, p), block.data(), size);
                const tmsize_t needed = row_bytes * tmsize_t(t.tiled ? rows : std::min(rows, t.height - y));
                if (got < needed)
                    fail(in.name, ": damaged TIFF: ", file.message().empty() ? "the file ends early" : file.message());
                with_samples_of(t.type(), [&]<class T>(T) {
                    place_tiff_block<T>(block, std::size_t(row_bytes), int(y), int(x), int(rows), int(columns), plane,
                                        t, out);
                });
            }
    return out;
}

// Converts palette indices to RGB: 16 bits if the palette needs them, else 8 bits.
inline image tiff_palette(const encoded_image& in, const tiff_session& file, const tiff_layout& t,
                          const image& stored) {
    std::uint16_t* map[3] = {};
    if (!TIFFGetField(file.get(), TIFFTAG_COLORMAP, &map[0], &map[1], &map[2]))
        fail(in.name, ": damaged TIFF: a palette is missing");
    const std::size_t count = std::size_t(1) << t.bits, channels = std::size_t(stored.channels());
    bool bytes = true; // old files have 8-bit palettes
    for (const std::uint16_t* m : map) bytes &= std::all_of(m, m + count, [](std::uint16_t v) { return v < 256; });
    image out(stored.height(), stored.width(), stored.channels() + 2);
    for (int y = 0; y < out.height(); ++y) {
        const auto from = stored.row<std::uint8_t>(y);
        const auto to = out.row<std::uint8_t>(y);
        for (std::size_t x = 0; x < std::size_t(out.width()); ++x) {
            for (std::size_t c = 0; c < 3; ++c)
                to[(channels + 2) * x + c] = std::uint8_t(map[c][from[channels * x]] >> (bytes ? 0 : 8));
            if (channels == 2) to[4 * x + 3] = from[2 * x + 1];
        }
    }
    return out;
}

// Replaces every value by its difference to white, except the alpha of two channels; four channels are inks.
inline void invert_colours(image& in) {
    with_samples_of(in.type(), [&]<class T>(T) {
        const std::size_t channels = std::size_t(in.channels());
        const bool alpha = channels == 2;
        for (int y = 0; y < in.height(); ++y)
            for (auto row = in.row<T>(y); !row.empty(); row = row.subspan(channels))
                for (std::size_t c = 0; c < channels - alpha; ++c) row[c] = T(T(white_of(in.type())) - row[c]);
    });
}

// Divides premultiplied colours by alpha; colours under alpha 0 become black.
inline void divide_by_associated_alpha(image& in) {
    with_samples_of(in.type(), [&]<class T>(T) {
        const double white = white_of(in.type()), half = std::is_integral_v<T> ? 0.5 : 0;
        const std::size_t channels = std::size_t(in.channels());
        for (int y = 0; y < in.height(); ++y)
            for (auto row = in.row<T>(y); !row.empty(); row = row.subspan(channels)) {
                const double alpha = double(row[channels - 1]);
                for (std::size_t c = 0; c + 1 < channels; ++c) {
                    const double colour = alpha > 0 ? double(row[c]) * white / alpha : 0;
                    row[c] = T(std::is_integral_v<T> ? std::min(colour + half, white) : colour);
                }
            }
    });
}

// Returns the picture as libtiff converts it, to RGB and alpha of 8 bits.
inline image shown_tiff(const encoded_image& in, tiff_session& file, const tiff_layout& t) {
    char reason[1024] = "";
    if (!TIFFRGBAImageOK(file.get(), reason)) fail(in.name, ": unsupported TIFF: ", reason);
    std::vector<std::uint32_t> raster(std::size_t(t.width) * t.height);
    if (!TIFFReadRGBAImageOriented(file.get(), t.width, t.height, raster.data(),
                                   file.value<std::uint16_t>(TIFFTAG_ORIENTATION, 1), 1))
        fail(in.name, ": damaged TIFF: ", file.message());
    image out(int(t.height), int(t.width), 4);
    auto* to = reinterpret_cast<std::uint8_t*>(out.data());
    for (const std::uint32_t p : raster)
        for (const std::uint32_t sample : {TIFFGetR(p), TIFFGetG(p), TIFFGetB(p), TIFFGetA(p)})
            *to++ = std::uint8_t(sample);
    divide_by_associated_alpha(out);
    return without_constant_alpha(std::move(out), {255});
}

inline void read_tiff_metadata(const encoded_image& in, const tiff_session& file, decoded_image& out) {
    image_metadata& m = out.metadata;
    const auto block = [&](std::uint32_t tag) {
        std::uint32_t size = 0;
        const void* data = nullptr;
        if (!TIFFGetField(file.get(), tag, &size, &data) || !data) return std::span<const std::byte>{};
        return std::span(static_cast<const std::byte*>(data), size);
    };
    if (const auto icc = block(TIFFTAG_ICCPROFILE); !icc.empty()) take_icc(in, block_of(icc), m);
    if (const auto xmp = block(TIFFTAG_XMLPACKET); !xmp.empty()) take_xmp(in, xmp, m);
    const tiff_structure directories(in.bytes, true);
    if (directories.valid()) {
        m.exif = exif_of_tiff(directories);
        if (const auto f = directories.find(directories.first(), TIFFTAG_RICHTIFFIPTC);
            f && fits_in_memory(in, "IPTC block", f->bytes))
            m.iptc = block_of(directories.value(*f));
    }
    float x = 0, y = 0;
    if (TIFFGetField(file.get(), TIFFTAG_XRESOLUTION, &x) && TIFFGetField(file.get(), TIFFTAG_YRESOLUTION, &y) &&
        x > 0 && y > 0) {
        const auto unit = file.value<std::uint16_t>(TIFFTAG_RESOLUTIONUNIT, RESUNIT_INCH);
        m.density = {x, y, density_unit(unit == RESUNIT_INCH ? 1 : unit == RESUNIT_CENTIMETER ? 2 : 0)};
    }
    const auto orientation = file.value<std::uint16_t>(TIFFTAG_ORIENTATION, 1);
    out.orientation = orientation >= 1 && orientation <= 8 ? orientation : 1;
}

inline decoded_image decode_tiff(const encoded_image& in) {
    tiff_session file(in.bytes);
    if (!file) fail(in.name, ": damaged TIFF: ", file.message().empty() ? "no header" : file.message());
    const tiff_layout t = layout_of_tiff(in, file);
    decoded_image out;
    read_tiff_metadata(in, file, out);
    if (!is_plain_tiff(t)) {
        out.pixels = shown_tiff(in, file, t);
    } else {
        if (t.samples > t.used()) in.say(": ", t.samples - t.used(), " samples beside colours and alpha are left out");
        out.pixels = stored_tiff(in, file, t);
        if (t.photometric == PHOTOMETRIC_PALETTE) out.pixels = tiff_palette(in, file, t, out.pixels);
        if (t.photometric == PHOTOMETRIC_MINISWHITE || t.photometric == PHOTOMETRIC_SEPARATED)
            invert_colours(out.pixels);
        if (t.photometric == PHOTOMETRIC_SEPARATED) out.pixels = rgb_of_cmyk(in, out.pixels, out.metadata);
        if (t.alpha == EXTRASAMPLE_ASSOCALPHA && out.pixels.has_alpha()) divide_by_associated_alpha(out.pixels);
    }
    int pages = 1; // counted last, because this moves on in the file
    while (pages < 1000 && TIFFReadDirectory(file.get())) ++pages;
    if (pages > 1) in.say(": ", pages, pages == 1000 ? " or more" : "", " pages: only the first is read");
    return out;
}

} // namespace fovea::detail
