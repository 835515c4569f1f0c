// Metadata in JPEG, read from the segments of a file and written as segments.
//
//   APP0   JFIF: density
//   APP1   EXIF; XMP, whose text beyond 64 KB is in parts of extended XMP
//   APP2   ICC profile in parts (ICC.1, annex B.4); MPF: index of several pictures
//   APP13  Photoshop's resources, one of which is IPTC
//   COM    a comment; in PNG the text with the keyword Comment
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "fovea/io/image/metadata_blocks.hpp"

namespace fovea::detail {

using namespace std::string_view_literals;

inline constexpr auto jpeg_exif_begin = "Exif\0\0"sv;
inline constexpr auto jpeg_xmp_begin = "http://ns.adobe.com/xap/1.0/\0"sv;
inline constexpr auto jpeg_extended_xmp_begin = "http://ns.adobe.com/xmp/extension/\0"sv;
inline constexpr auto jpeg_icc_begin = "ICC_PROFILE\0"sv;
inline constexpr auto jpeg_photoshop_begin = "Photoshop 3.0\0"sv;
inline constexpr auto comment_begin = "Comment\0"sv; // keyword in PNG
inline constexpr std::size_t jpeg_segment_size = 65533;

struct jpeg_segment {
    int marker = 0; // 0xe0 APP0 to 0xef, 0xfe COM
    byte_block bytes;
};

// Calls visit(marker, data) for each segment before the picture data. Bytes between segments are skipped.
template <class Visit> void for_jpeg_segments(std::span<const std::byte> file, Visit&& visit) {
    for (std::size_t at = 2; at + 4 <= file.size();) {
        const int marker = int(byte_at(file, at + 1));
        if (byte_at(file, at) != 0xff || marker == 0xff || marker == 0) { // fill bytes and others
            ++at;
            continue;
        }
        const std::size_t size = byte_at(file, at + 2) << 8 | byte_at(file, at + 3);
        if (marker == 0xda || size < 2 || at + 2 + size > file.size()) return;
        visit(marker, file.subspan(at + 4, size - 2));
        at += 2 + size;
    }
}

inline std::size_t big_endian(std::span<const std::byte> b, std::size_t at, std::size_t size) {
    std::size_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8 | byte_at(b, at + i);
    return value;
}

// Joins the numbered parts of a colour profile.
inline void take_jpeg_profile(const encoded_image& in, const std::vector<std::span<const std::byte>>& parts,
                              image_metadata& m) {
    if (parts.empty()) return;
    std::array<std::span<const std::byte>, 256> by_number{};
    const std::size_t count = byte_at(parts.front(), 1);
    for (const auto part : parts) by_number[byte_at(part, 0)] = part;
    byte_block icc;
    for (std::size_t i = 1; i <= count; ++i) {
        if (by_number[i].size() <= 2)
            return in.say(": its colour profile is left out: part ", i, " of ", count, " is missing");
        icc.insert(icc.end(), by_number[i].begin() + 2, by_number[i].end());
    }
    take_icc(in, std::move(icc), m);
}

// Each part has a GUID, the whole length, an offset and text.
inline void take_extended_xmp(const encoded_image& in, const std::vector<std::span<const std::byte>>& parts,
                              image_metadata& m) {
    if (parts.empty()) return;
    const std::size_t size = big_endian(parts.front(), 32, 4);
    if (!fits_in_memory(in, "extended XMP", size)) return;
    byte_block out = block_of(parts.front().first(std::min<std::size_t>(parts.front().size(), 32)));
    out.resize(32 + size);
    std::size_t filled = 0;
    for (const auto part : parts) {
        if (part.size() < 40 || !std::equal(out.begin(), out.begin() + 32, part.begin())) continue;
        const std::size_t at = big_endian(part, 36, 4), count = part.size() - 40;
        if (at > size || count > size - at) continue;
        std::copy(part.begin() + 40, part.end(), out.begin() + std::ptrdiff_t(32 + at));
        filled += count;
    }
    if (filled == size)
        m.extended_xmp = std::move(out);
    else
        in.say(": its extended XMP is left out: ", filled, " of ", size, " bytes are there");
}

// Photoshop's resources have "8BIM", a number, a name padded to 2 bytes, a length, and data padded to 2 bytes. Number
// 0x0404 is IPTC.
inline void take_photoshop(std::span<const std::byte> data, image_metadata& m) {
    for (std::size_t at = 0; bytes_are(data, at, "8BIM");) {
        const std::size_t number = big_endian(data, at + 4, 2), name = byte_at(data, at + 6);
        const std::size_t length_at = at + 6 + (name + 2) / 2 * 2, length = big_endian(data, length_at, 4);
        if (length_at + 4 > data.size() || length > data.size() - length_at - 4) return;
        if (number == 0x0404 && m.iptc.empty()) m.iptc = block_of(data.subspan(length_at + 4, length));
        at = length_at + 4 + (length + 1) / 2 * 2;
    }
}

// Returns a comment as a PNG chunk: tEXt if it is ASCII, else iTXt, which is UTF-8.
inline png_extra comment_chunk(std::span<const std::byte> text) {
    const bool ascii = std::ranges::all_of(text, [](std::byte b) { return b < std::byte(128) && b > std::byte(0); });
    png_extra out{ascii ? "tEXt" : "iTXt", {}};
    for (const char c : std::string(comment_begin) + std::string(ascii ? 0 : 4, '\0'))
        out.bytes.push_back(std::byte(c));
    out.bytes.insert(out.bytes.end(), text.begin(), text.end());
    return out;
}

// Returns the text of an uncompressed chunk with the keyword Comment; empty for other chunks.
inline std::span<const std::byte> comment_of(const png_extra& e) {
    const std::span<const std::byte> bytes = e.bytes;
    if (!bytes_are(bytes, 0, comment_begin)) return {};
    if (e.type == "tEXt") return bytes.subspan(comment_begin.size());
    const bool plain = bytes_are(bytes, comment_begin.size(), "\0\0\0\0"sv);
    return e.type == "iTXt" && plain ? bytes.subspan(comment_begin.size() + 4) : std::span<const std::byte>{};
}

// Returns the number of pictures that the index of a multi-picture file (CIPA DC-007) states.
inline std::size_t pictures_of_mpf(std::span<const std::byte> data) {
    const tiff_structure index(data);
    const auto count = index.valid() ? index.find(index.first(), 0xb001) : std::nullopt;
    return count ? index.whole(*count) : 1;
}

// Sets the orientation from EXIF.
inline void read_jpeg_metadata(const encoded_image& in, decoded_image& out) {
    image_metadata& m = out.metadata;
    std::vector<std::span<const std::byte>> profile, extended;
    for_jpeg_segments(in.bytes, [&](int marker, std::span<const std::byte> data) {
        const auto begins = [&](int with, std::string_view text) {
            if (marker != with || !bytes_are(data, 0, text)) return false;
            data = data.subspan(text.size());
            return true;
        };
        if (begins(0xe0, "JFIF\0"sv)) {
            const unsigned unit = byte_at(data, 2);
            const double x = double(big_endian(data, 3, 2)), y = double(big_endian(data, 5, 2));
            if (x > 0 && y > 0 && unit <= 2 && (unit != 0 || x != y)) m.density = {x, y, density_unit(unit)};
        } else if (begins(0xe1, "Exif\0"sv)) {
            out.orientation = take_exif(in, data.subspan(std::min<std::size_t>(data.size(), 1)), m);
        } else if (begins(0xe1, jpeg_xmp_begin)) {
            take_xmp(in, data, m);
        } else if (begins(0xe1, jpeg_extended_xmp_begin)) {
            extended.push_back(data);
        } else if (begins(0xe2, jpeg_icc_begin)) {
            profile.push_back(data);
        } else if (begins(0xe2, "MPF\0"sv)) {
            if (const std::size_t n = pictures_of_mpf(data); n > 1)
                in.say(": a file of ", n, " pictures: only the first is read");
        } else if (begins(0xed, jpeg_photoshop_begin)) {
            take_photoshop(data, m);
        } else if (marker == 0xfe && !data.empty()) {
            m.extras.push_back(comment_chunk(data));
        }
    });
    take_jpeg_profile(in, profile, m);
    take_extended_xmp(in, extended, m);
}

// Rounds the density to JFIF's 16-bit numbers.
inline image_density jfif_density(image_density d) {
    d = without_metres(d);
    const auto whole = [](double n) { return std::clamp(std::round(n), 1., 65535.); };
    return {whole(d.x), whole(d.y), d.unit};
}

// Returns the segments that follow JFIF's. Every block fits, because leave_out_for_jpeg in metadata_limits.hpp has
// dropped larger ones.
inline std::vector<jpeg_segment> jpeg_segments_of(const image_metadata& m) {
    std::vector<jpeg_segment> out;
    const auto add = [&](int marker, std::string_view begin, std::span<const std::byte> data) {
        byte_block& bytes = out.emplace_back(jpeg_segment{marker, {}}).bytes;
        for (const char c : begin) bytes.push_back(std::byte(c));
        bytes.insert(bytes.end(), data.begin(), data.end());
    };
    const auto number = [](std::size_t n, int size) {
        std::string text;
        for (int shift = 8 * size - 8; shift >= 0; shift -= 8) text += char(n >> shift & 255);
        return text;
    };
    if (!m.exif.empty()) add(0xe1, jpeg_exif_begin, m.exif);
    if (!m.xmp.empty()) add(0xe1, jpeg_xmp_begin, m.xmp);
    if (m.extended_xmp.size() > 32) {
        const std::string guid(reinterpret_cast<const char*>(m.extended_xmp.data()), 32);
        const auto text = std::span(m.extended_xmp).subspan(32);
        for (std::size_t at = 0, part = 65000; at < text.size(); at += part)
            add(0xe1, std::string(jpeg_extended_xmp_begin) + guid + number(text.size(), 4) + number(at, 4),
                text.subspan(at, std::min(part, text.size() - at)));
    }
    const std::size_t part = jpeg_segment_size - jpeg_icc_begin.size() - 2, parts = (m.icc.size() + part - 1) / part;
    for (std::size_t i = 0; i < parts; ++i)
        add(0xe2, std::string(jpeg_icc_begin) + number(i + 1, 1) + number(parts, 1),
            std::span(m.icc).subspan(i * part, std::min(part, m.icc.size() - i * part)));
    if (!m.iptc.empty()) {
        byte_block padded = m.iptc;
        padded.resize((padded.size() + 1) / 2 * 2);
        add(0xed, std::string(jpeg_photoshop_begin) + "8BIM\x04\x04" + std::string(2, '\0') + number(m.iptc.size(), 4),
            padded);
    }
    for (const png_extra& e : m.extras)
        if (const auto comment = comment_of(e); !comment.empty()) add(0xfe, {}, comment);
    return out;
}

} // namespace fovea::detail
