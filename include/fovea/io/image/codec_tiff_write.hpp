// Writes TIFF by libtiff (FOVEA_WITH_LIBTIFF): samples of 8 bits, 16 bits or float unchanged, 1 to 4 channels, alpha
// not premultiplied, compressed by deflate (or LZW if libtiff has no deflate) with the predictor for the sample type.
// Files of more than 4 GB are BigTIFF.
//
// libtiff writes the pixels and the first directory. The EXIF and GPS directories are appended as they are in the EXIF
// block, including tags that libtiff does not know.
#pragma once
#include "fovea/image/exif.hpp"
#include "fovea/image/image.hpp"
#include "fovea/io/atomic_file.hpp"
#include "fovea/io/image/tiff_directories.hpp"
#include "fovea/io/image/tiff_session.hpp"

namespace fovea::detail {

inline void describe_tiff_pixels(TIFF* tiff, const image& pixels) {
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, std::uint32_t(pixels.width()));
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, std::uint32_t(pixels.height()));
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, pixels.channels());
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, int(8 * size_of(pixels.type())));
    const bool real = pixels.type() == sample_type::f32;
    TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, real ? SAMPLEFORMAT_IEEEFP : SAMPLEFORMAT_UINT);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, pixels.colours() == 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK);
    std::uint16_t straight = EXTRASAMPLE_UNASSALPHA;
    if (pixels.has_alpha()) TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &straight);
    const int method = TIFFIsCODECConfigured(COMPRESSION_ADOBE_DEFLATE) ? COMPRESSION_ADOBE_DEFLATE : COMPRESSION_LZW;
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, method);
    TIFFSetField(tiff, TIFFTAG_PREDICTOR, real ? PREDICTOR_FLOATINGPOINT : PREDICTOR_HORIZONTAL);
    // Strips of about 256 KB keep the cost of reading a part of the picture small.
    const auto rows = std::clamp<std::size_t>((1u << 18) / pixels.row_bytes(), 1, std::size_t(pixels.height()));
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, std::uint32_t(rows));
}

inline void describe_tiff_picture(TIFF* tiff, const image_metadata& m) {
    const auto set_block = [&](std::uint32_t tag, const byte_block& block) {
        if (!block.empty()) TIFFSetField(tiff, tag, std::uint32_t(block.size()), block.data());
    };
    set_block(TIFFTAG_ICCPROFILE, m.icc);
    set_block(TIFFTAG_XMLPACKET, m.xmp);
    byte_block iptc = m.iptc; // libtiff before 4.1 counts this tag in numbers of 4 bytes
    iptc.resize((iptc.size() + 3) / 4 * 4);
    const TIFFField* field = TIFFFieldWithTag(tiff, TIFFTAG_RICHTIFFIPTC);
    const std::size_t size = field && TIFFFieldDataType(field) == TIFF_LONG ? iptc.size() / 4 : iptc.size();
    if (!iptc.empty()) TIFFSetField(tiff, TIFFTAG_RICHTIFFIPTC, std::uint32_t(size), iptc.data());
    TIFFSetField(tiff, TIFFTAG_ORIENTATION, exif_orientation(m.exif));
    if (const auto stated = m.density ? m.density : exif_density(m.exif)) {
        const image_density d = without_metres(*stated);
        TIFFSetField(tiff, TIFFTAG_XRESOLUTION, d.x);
        TIFFSetField(tiff, TIFFTAG_YRESOLUTION, d.y);
        TIFFSetField(tiff, TIFFTAG_RESOLUTIONUNIT, int(d.unit) + 1);
    }
    const tiff_structure exif(m.exif);
    if (!exif.valid()) return;
    for (const tiff_field& f : exif.fields(exif.first())) {
        if (f.type != 2 || !is_exif_tag(f.tag)) continue;
        const auto value = exif.value(f);
        TIFFSetField(tiff, f.tag, std::string(reinterpret_cast<const char*>(value.data()), value.size()).c_str());
    }
    for (const unsigned tag : {exif_directory_tag, gps_directory_tag})
        if (exif.directory_under(tag) != 0) TIFFSetField(tiff, tag, std::uint64_t(8)); // set by append_exif()
}

// Appends the directories to which the first one refers to the end of the file.
inline void append_exif(byte_block& file, const image_metadata& m) {
    const tiff_structure exif(m.exif);
    if (!exif.valid()) return;
    for (const unsigned tag : {exif_directory_tag, gps_directory_tag}) {
        const tiff_structure written(file);
        const auto reference = written.valid() ? written.find(written.first(), tag) : std::nullopt;
        if (!reference) continue;
        file.resize((file.size() + 1) / 2 * 2);
        put_tiff_number(file, reference->value, std::uint32_t(file.size()), 4, true);
        append_directory(file, entries_of(exif, exif.directory_under(tag)));
    }
}

// Classic TIFF has 32-bit offsets; the limit leaves room for metadata.
inline bool needs_big_tiff(const image& pixels) {
    return pixels.row_bytes() * std::uint64_t(pixels.height()) > 4000000000u;
}

// Files of more than 4 GB have no EXIF and GPS directories. The caller commits the file, which throws if it could not
// be written.
inline void encode_tiff(atomic_file& file, std::string_view name, const image& pixels, image_metadata m) {
    const bool big = needs_big_tiff(pixels);
    if (big) m.exif.clear();
    tiff_session tiff(big);
    const auto failed = [&] {
        fail(name, ": cannot write TIFF: ", tiff.message().empty() ? "out of memory" : tiff.message());
    };
    if (!tiff) failed();
    describe_tiff_pixels(tiff.get(), pixels);
    describe_tiff_picture(tiff.get(), m);
    std::vector<std::byte> row(pixels.row_bytes()); // copied, because the predictor works in place
    for (int y = 0; y < pixels.height(); ++y) {
        std::memcpy(row.data(), pixels.data() + pixels.row_bytes() * std::size_t(y), row.size());
        if (TIFFWriteScanline(tiff.get(), row.data(), std::uint32_t(y), 0) < 0) failed();
    }
    if (!TIFFFlush(tiff.get())) failed();
    tiff.close();
    append_exif(tiff.output(), m);
    file.write(tiff.output());
}

} // namespace fovea::detail
