// Fits the metadata of a picture to the format of its file before it is written: what the format cannot hold is dropped
// with one notice, and sizes in pixels are updated. docs/images.md has the table.
#pragma once
#include <string>
#include <vector>

#include "fovea/io/image/jpeg_metadata.hpp"

namespace fovea::detail {

// The list of dropped items for the notice.
class left_out {
  public:
    void add(std::string what) {
        if (std::ranges::find(items_, what) == items_.end()) items_.push_back(std::move(what));
    }
    // Empties a block and lists it, if it is not empty already.
    void drop(byte_block& block, const char* what) {
        if (!block.empty()) add(what);
        block.clear();
    }
    void say(const std::string& name, image_format format, const notice_function& notice) const {
        if (items_.empty() || !notice) return;
        std::string list;
        for (std::size_t i = 0; i < items_.size() && i < 8; ++i) list += (i ? ", " : "") + items_[i];
        if (items_.size() > 8) list += text_of(" and ", items_.size() - 8, " more");
        notice(text_of(name, ": ", fovea::name_of(format), " holds none of these, left out: ", list));
    }

  private:
    std::vector<std::string> items_;
};

// The name in the notice: the keyword of a text chunk, the type of another chunk.
inline std::string name_of_chunk(const png_extra& e) {
    if (e.type != "tEXt" && e.type != "zTXt" && e.type != "iTXt") return e.type;
    std::string keyword;
    for (const std::byte b : e.bytes) {
        const char c = char(std::to_integer<unsigned char>(b));
        if (c == 0 || keyword.size() == 79) break;
        keyword += c >= 32 && c < 127 ? c : '?';
    }
    return "text " + keyword;
}

// Returns whether a PNG chunk is redundant: sRGB or a colour profile overrides the older gAMA and cHRM.
inline bool chunk_says_nothing(const png_extra& e, const image_metadata& m) {
    const bool srgb = std::ranges::any_of(m.extras, [](const png_extra& other) { return other.type == "sRGB"; });
    return (e.type == "gAMA" || e.type == "cHRM" || e.type == "sRGB") && (srgb || !m.icc.empty());
}

inline void leave_out_for_jpeg(image_metadata& m, left_out& lost) {
    if (m.exif.size() > jpeg_segment_size - jpeg_exif_begin.size()) lost.drop(m.exif, "EXIF of more than 64 KB");
    if (m.xmp.size() > jpeg_segment_size - jpeg_xmp_begin.size()) lost.drop(m.xmp, "XMP of more than 64 KB");
    if (m.iptc.size() > 65000) lost.drop(m.iptc, "IPTC of more than 64 KB");
    if (m.icc.size() > 255 * 65000) lost.drop(m.icc, "a colour profile of more than 255 segments");
}

inline void leave_out_chunks(image_metadata& m, bool comments, left_out& lost) {
    std::erase_if(m.extras, [&](const png_extra& e) {
        if (comments && !comment_of(e).empty() && e.bytes.size() < jpeg_segment_size) return false;
        if (!chunk_says_nothing(e, m)) lost.add(name_of_chunk(e));
        return true;
    });
}

// Returns whether float samples exceed black or white by more than the small overshoot of networks.
inline bool passes_white(const image& pixels) {
    if (pixels.type() != sample_type::f32) return false;
    constexpr float little = 0.02f;
    for (int y = 0; y < pixels.height(); ++y)
        for (const float v : pixels.row<float>(y))
            if (v < -little || v > 1 + little) return true;
    return false;
}

// Returns the metadata of `pixels` for a file of this format with 1 or 3 colours.
inline image_metadata metadata_for(const image& pixels, image_format format, int colours, bool only_colour,
                                   const std::string& name, const notice_function& notice) {
    image_metadata m = pixels.metadata();
    left_out lost;
    if (only_colour) {
        std::erase_if(m.extras, [](const png_extra& e) { return !is_colour_chunk(e.type); });
        m = {.icc = std::move(m.icc), .icc_name = std::move(m.icc_name), .extras = std::move(m.extras)};
    }
    if (!m.icc.empty() && !profile_fits(m.icc, colours))
        lost.drop(m.icc, colours == 1 ? "a colour profile that is not for gray pixels"
                                      : "a colour profile that is not for RGB pixels");
    if (!m.exif.empty() && !tiff_structure(m.exif).valid()) lost.drop(m.exif, "a damaged EXIF block");
    set_exif_size(m.exif, pixels.width(), pixels.height());
    set_xmp_size(m.xmp, pixels.width(), pixels.height());
    if (format == image_format::jpeg) leave_out_for_jpeg(m, lost);
    if (format != image_format::jpeg) lost.drop(m.extended_xmp, "extended XMP");
    if (format != image_format::png) leave_out_chunks(m, format == image_format::jpeg, lost);
    if (format == image_format::png || format == image_format::webp) lost.drop(m.iptc, "IPTC");
    if (format == image_format::webp && m.density && m.exif.empty()) m.exif = exif_of_density(*m.density);
    if (format == image_format::jpeg && pixels.has_alpha()) lost.add("alpha");
    if (pixels.type() != sample_type::u8 && (format == image_format::jpeg || format == image_format::webp))
        lost.add("more than 8 bits per sample");
    if (format != image_format::tiff && passes_white(pixels)) lost.add("values outside 0 to 1");
    lost.say(name, format, notice);
    return m;
}

} // namespace fovea::detail
