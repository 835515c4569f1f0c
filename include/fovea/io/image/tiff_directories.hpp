// Makes directories of a TIFF structure: the EXIF block for the metadata of a TIFF file, and the directories to write
// into one. The byte order is always little-endian.
#pragma once
#include <algorithm>
#include <array>

#include "fovea/image/tiff_structure.hpp"

namespace fovea::detail {

struct tiff_entry {
    unsigned tag = 0, type = 0;
    std::size_t count = 0;
    byte_block value{}; // little-endian
};
using tiff_entries = std::vector<tiff_entry>;

inline constexpr unsigned exif_directory_tag = 0x8769, gps_directory_tag = 0x8825, interoperability_tag = 0xa005;

// Returns whether a tag of a TIFF file's first directory describes the picture rather than the storage of its pixels:
// description, make, model, orientation, density, software, date, artist, computer, copyright, and Windows' tags.
inline bool is_exif_tag(unsigned tag) {
    constexpr std::array tags{0x010eu, 0x010fu, 0x0110u, 0x0112u, 0x011au, 0x011bu, 0x0128u, 0x0131u, 0x0132u,
                              0x013bu, 0x013cu, 0x8298u, 0x9c9bu, 0x9c9cu, 0x9c9du, 0x9c9eu, 0x9c9fu};
    return std::ranges::find(tags, tag) != tags.end();
}

inline std::size_t tiff_word_size(unsigned type) { // size of the numbers in a value, for swapping bytes
    return type == 5 || type == 10 ? 4 : tiff_type_size(type);
}

// Returns the fields of a directory, except those that refer to other directories.
inline tiff_entries entries_of(const tiff_structure& in, std::size_t directory) {
    tiff_entries out;
    for (const tiff_field& f : in.fields(directory)) {
        if (f.tag == exif_directory_tag || f.tag == gps_directory_tag || f.tag == interoperability_tag) continue;
        if (f.bytes > largest_metadata_block) continue;
        tiff_entry e{f.tag, f.type, f.count, block_of(in.value(f))};
        const std::size_t word = tiff_word_size(f.type);
        for (std::size_t i = 0; !in.little() && i + word <= e.value.size(); i += word)
            std::reverse(e.value.begin() + std::ptrdiff_t(i), e.value.begin() + std::ptrdiff_t(i + word));
        out.push_back(std::move(e));
    }
    std::ranges::sort(out, {}, &tiff_entry::tag);
    return out;
}

inline std::size_t bytes_of_directory(const tiff_entries& entries) {
    std::size_t size = 2 + 12 * entries.size() + 4;
    for (const tiff_entry& e : entries)
        if (e.value.size() > 4) size += (e.value.size() + 1) / 2 * 2;
    return size;
}

// Appends the directory and its values to the structure.
inline void append_directory(byte_block& to, const tiff_entries& entries) {
    std::size_t at = to.size(), value = at + 2 + 12 * entries.size() + 4;
    to.resize(at + bytes_of_directory(entries));
    const auto put = [&](std::size_t where, std::size_t number, std::size_t size) {
        put_tiff_number(to, where, std::uint32_t(number), size, true);
    };
    put(at, entries.size(), 2);
    at += 2;
    for (const tiff_entry& e : entries) {
        put(at, e.tag, 2), put(at + 2, e.type, 2), put(at + 4, e.count, 4);
        const bool inside = e.value.size() <= 4;
        std::ranges::copy(e.value, to.begin() + std::ptrdiff_t(inside ? at + 8 : value));
        if (!inside) put(at + 8, value, 4), value += (e.value.size() + 1) / 2 * 2;
        at += 12;
    }
}

inline tiff_entry reference_to_directory(unsigned tag, std::size_t at) {
    tiff_entry e{tag, 4, 1, byte_block(4)};
    put_tiff_number(e.value, 0, std::uint32_t(at), 4, true);
    return e;
}

// Returns whether a field carries nothing worth an EXIF block: the density, which is kept separately, or orientation 1.
inline bool is_plain_entry(const tiff_entry& e) {
    return e.tag == 0x011a || e.tag == 0x011b || e.tag == 0x0128 ||
           (e.tag == 0x0112 && !e.value.empty() && e.value[0] == std::byte(1));
}

// Returns an EXIF block with the metadata in the directories of a TIFF file; empty if they have nothing of note.
inline byte_block exif_of_tiff(const tiff_structure& in) {
    tiff_entries first = entries_of(in, in.first());
    std::erase_if(first, [](const tiff_entry& e) { return !is_exif_tag(e.tag) || e.type > 12; });
    const tiff_entries own = entries_of(in, in.directory_under(exif_directory_tag));
    const tiff_entries gps = entries_of(in, in.directory_under(gps_directory_tag));
    if (std::ranges::all_of(first, is_plain_entry) && own.empty() && gps.empty()) return {};
    for (const unsigned tag : {exif_directory_tag, gps_directory_tag})
        if (!(tag == exif_directory_tag ? own : gps).empty()) first.push_back(reference_to_directory(tag, 0));
    std::ranges::sort(first, {}, &tiff_entry::tag);
    std::size_t end = 8 + bytes_of_directory(first);
    for (tiff_entry& e : first) {
        const bool is_own = e.tag == exif_directory_tag;
        if (!is_own && e.tag != gps_directory_tag) continue;
        e = reference_to_directory(e.tag, end);
        end += bytes_of_directory(is_own ? own : gps);
    }
    byte_block out(8);
    put_tiff_number(out, 0, 'I' | 'I' << 8, 2, true);
    put_tiff_number(out, 2, 42, 2, true);
    put_tiff_number(out, 4, 8, 4, true);
    append_directory(out, first);
    if (!own.empty()) append_directory(out, own);
    if (!gps.empty()) append_directory(out, gps);
    return out;
}

} // namespace fovea::detail
