// Metadata in PNG (W3C, 3rd edition, section 11.3), read from the chunks of a file and written as chunks. The chunks
// are parsed here, not by a library, so that text is copied without being unpacked and every build keeps the same
// metadata.
//
// Chunks that describe the stored pixels (sBIT, bKGD, hIST, sPLT, tRNS, those of animations) and unknown chunks that
// PNG marks as unsafe to copy are dropped.
#pragma once
#include <algorithm>
#include <cmath>
#include <string>

#include "fovea/io/deflate.hpp"
#include "fovea/io/image/codec_png_small.hpp"
#include "fovea/io/image/metadata_blocks.hpp"

namespace fovea::detail {

inline std::uint32_t png_number(std::span<const std::byte> b, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | byte_at(b, at + i);
    return value;
}

// Calls visit(type, data) for each complete chunk with a valid checksum, up to the end or the first invalid length.
template <class Visit> void for_png_chunks(std::span<const std::byte> file, Visit&& visit) {
    for (std::size_t at = 8; at + 12 <= file.size();) {
        const std::size_t length = png_number(file, at);
        if (length > file.size() - at - 12) return;
        const std::string type(reinterpret_cast<const char*>(file.data()) + at + 4, 4);
        // The decoder checks the pixels.
        if (type != "IDAT" && type != "fdAT" &&
            png_number(file, at + 8 + length) == png_check_sum(file.subspan(at + 4, length + 4)))
            visit(type, file.subspan(at + 8, length));
        if (type == "IEND") return;
        at += 12 + length;
    }
}

// Returns the text of an iTXt chunk with the keyword of XMP; empty for other chunks.
inline byte_block xmp_of_itxt(std::span<const std::byte> data) {
    using namespace std::string_view_literals;
    constexpr auto keyword = "XML:com.adobe.xmp\0"sv;
    if (!bytes_are(data, 0, keyword)) return {};
    std::size_t at = keyword.size() + 2;
    for (int texts = 0; texts < 2; ++texts, ++at) // skips the language and the translated keyword
        while (at < data.size() && byte_at(data, at) != 0) ++at;
    if (at > data.size()) return {};
    return byte_at(data, keyword.size()) ? inflated(data.subspan(at)) : block_of(data.subspan(at));
}

inline void take_png_profile(const encoded_image& in, std::span<const std::byte> data, image_metadata& m) {
    std::size_t name = 0;
    while (name < data.size() && name < 80 && byte_at(data, name) != 0) ++name;
    if (name + 2 > data.size()) return in.say(": its colour profile is damaged and is left out");
    byte_block icc = inflated(data.subspan(name + 2));
    if (icc.empty())
        return in.say(": its colour profile is left out: ",
                      FOVEA_WITH_ZLIB ? "it is damaged or too large" : "this build was made without zlib");
    m.icc_name.assign(reinterpret_cast<const char*>(data.data()), name);
    take_icc(in, std::move(icc), m);
}

// Returns whether an unknown chunk may be copied to another picture's file.
inline bool png_chunk_is_copied(const std::string& type) {
    constexpr unsigned lower = 0x20;
    for (const char* offset : {"oFFs", "vpAg", "caNv"}) // positions in pixels, which no longer hold
        if (type == offset) return false;
    return type == "tIME" || is_colour_chunk(type) || ((type[0] & lower) != 0 && (type[3] & lower) != 0);
}

// Sets the orientation from EXIF.
inline void read_png_metadata(const encoded_image& in, decoded_image& out) {
    image_metadata& m = out.metadata;
    for_png_chunks(in.bytes, [&](const std::string& type, std::span<const std::byte> data) {
        if (type == "iCCP") {
            take_png_profile(in, data, m);
        } else if (type == "eXIf") {
            out.orientation = take_exif(in, data, m);
        } else if (type == "pHYs" && data.size() == 9 && png_number(data, 0) > 0 && png_number(data, 4) > 0) {
            m.density = {double(png_number(data, 0)), double(png_number(data, 4)),
                         byte_at(data, 8) == 1 ? density_unit::metre : density_unit::aspect};
        } else if (type == "acTL" && png_number(data, 0) > 1) {
            in.say(": an animation of ", png_number(data, 0), " frames: only the first is read");
        } else if (byte_block xmp; type == "iTXt" && !(xmp = xmp_of_itxt(data)).empty()) {
            take_xmp(in, xmp, m);
        } else if (type != "pHYs" && png_chunk_is_copied(type) && fits_in_memory(in, "chunk " + type, data.size())) {
            m.extras.push_back({type, block_of(data)});
        }
    });
}

// pHYs has only metres and aspect ratios as units.
inline byte_block png_density(const image_density& d) {
    const double per = d.unit == density_unit::inch ? 1 / 0.0254 : d.unit == density_unit::centimetre ? 100 : 1;
    byte_block out;
    for (const double n : {d.x * per, d.y * per}) {
        const auto whole = std::uint32_t(std::clamp(std::round(n), 1., 2147483647.));
        for (int shift = 24; shift >= 0; shift -= 8) out.push_back(std::byte(std::uint8_t(whole >> shift & 255)));
    }
    out.push_back(std::byte(d.unit != density_unit::aspect));
    return out;
}

// Returns the chunks in file order: those about colour first, as they must precede the pixels.
inline std::vector<png_extra> png_chunks_of(const image_metadata& m) {
    std::vector<png_extra> out;
    const auto add = [&](const char* type, std::string_view before, std::span<const std::byte> bytes) {
        png_extra& chunk = out.emplace_back(png_extra{type, {}});
        const auto text = std::as_bytes(std::span(before.data(), before.size()));
        chunk.bytes.assign(text.begin(), text.end());
        chunk.bytes.insert(chunk.bytes.end(), bytes.begin(), bytes.end());
    };
    for (const png_extra& e : m.extras)
        if (is_colour_chunk(e.type)) out.push_back(e);
    if (!m.icc.empty())
        add("iCCP", (m.icc_name.empty() ? "ICC profile" : m.icc_name) + std::string(2, '\0'), deflated(m.icc));
    if (m.density) add("pHYs", {}, png_density(*m.density));
    if (!m.exif.empty()) add("eXIf", {}, m.exif);
    if (!m.xmp.empty()) add("iTXt", "XML:com.adobe.xmp" + std::string(5, '\0'), m.xmp);
    for (const png_extra& e : m.extras)
        if (!is_colour_chunk(e.type)) out.push_back(e);
    return out;
}

} // namespace fovea::detail
