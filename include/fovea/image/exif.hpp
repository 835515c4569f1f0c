// Changes of EXIF blocks (CIPA DC-008) that keep them true to the pixels: orientation, size in pixels, thumbnail.
// Numbers are changed in place, so that everything else, including maker notes, stays byte for byte.
#pragma once
#include <cmath>
#include <string_view>

#include "fovea/image/tiff_structure.hpp"
#include "fovea/image/xmp.hpp"

namespace fovea {

namespace detail {

inline std::span<const std::byte> without_exif_prefix(std::span<const std::byte> exif) {
    using namespace std::string_view_literals;
    return bytes_are(exif, 0, "Exif\0\0"sv) ? exif.subspan(6) : exif;
}

// Overwrites a field that holds one integer. A short becomes a long if the value does not fit.
inline void put_exif_number(byte_block& exif, std::size_t directory, unsigned tag, std::uint32_t value) {
    const tiff_structure in(exif);
    const auto f = in.find(directory, tag);
    if (!f || f->count != 1 || (f->type != 3 && f->type != 4)) return;
    if (value > 65535) put_tiff_number(exif, f->entry + 2, 4, 2, in.little());
    put_tiff_number(exif, f->value, value, f->type == 3 && value <= 65535 ? 2 : 4, in.little());
}

} // namespace detail

// Returns the orientation, 1 to 8, of the first directory of an EXIF block, with or without the prefix "Exif\0\0"; 1 if
// it has none or is damaged.
inline int exif_orientation(std::span<const std::byte> exif) {
    const detail::tiff_structure in(detail::without_exif_prefix(exif));
    if (!in.valid()) return 1;
    const auto f = in.find(in.first(), 0x0112);
    if (!f || (f->type != 3 && f->type != 4)) return 1;
    const std::uint64_t value = in.whole(*f);
    return value >= 1 && value <= 8 ? int(value) : 1;
}

// Sets the orientation if the block (without prefix) has that field.
inline void set_exif_orientation(byte_block& exif, int orientation) {
    const detail::tiff_structure in(exif);
    if (in.valid()) detail::put_exif_number(exif, in.first(), 0x0112, std::uint32_t(orientation));
}

// Sets the fields for width and height in pixels that the block has.
inline void set_exif_size(byte_block& exif, int width, int height) {
    const detail::tiff_structure in(exif);
    if (!in.valid()) return;
    const std::size_t first = in.first(), own = in.directory_under(0x8769);
    detail::put_exif_number(exif, first, 0x0100, std::uint32_t(width));
    detail::put_exif_number(exif, first, 0x0101, std::uint32_t(height));
    detail::put_exif_number(exif, own, 0xa002, std::uint32_t(width));
    detail::put_exif_number(exif, own, 0xa003, std::uint32_t(height));
}

// Unlinks the second directory, that of the thumbnail, because the thumbnail shows the picture before it was changed.
// Its bytes are cut off if nothing else follows them.
inline void drop_exif_thumbnail(byte_block& exif) {
    using namespace detail;
    const tiff_structure in(exif);
    if (!in.valid()) return;
    const std::size_t link = in.next_at(in.first()), second = in.number(link, 4);
    if (link + 4 > exif.size() || second == 0) return;
    std::size_t end = link + 4; // end of the data of the other directories
    const auto take = [&](std::size_t directory) {
        if (directory == 0 || !in.is_directory(directory)) return;
        end = std::max(end, in.next_at(directory) + 4);
        for (const tiff_field& f : in.fields(directory)) end = std::max(end, f.value + f.bytes);
    };
    take(in.first());
    for (const unsigned tag : {0x8769u, 0x8825u}) take(in.directory_under(tag));
    if (const std::size_t own = in.directory_under(0x8769))
        if (const auto f = in.find(own, 0xa005)) take(in.whole(*f)); // interoperability directory
    put_tiff_number(exif, link, 0, 4, in.little());
    if (second >= end) exif.resize(std::max<std::size_t>(end, link + 4));
}

// Returns the print density that the first directory states, if any.
inline std::optional<image_density> exif_density(std::span<const std::byte> exif) {
    const detail::tiff_structure in(detail::without_exif_prefix(exif));
    if (!in.valid()) return {};
    const auto x = in.find(in.first(), 0x011a), y = in.find(in.first(), 0x011b), unit = in.find(in.first(), 0x0128);
    if (!x || !y || in.rational(*x) <= 0 || in.rational(*y) <= 0) return {};
    const std::uint64_t number = unit ? in.whole(*unit) : 2;
    return image_density{in.rational(*x), in.rational(*y),
                         number == 3   ? density_unit::centimetre
                         : number == 2 ? density_unit::inch
                                       : density_unit::aspect};
}

namespace detail {

// Converts a density per metre for formats without that unit: to inches if the result is a whole number within the
// rounding of PNG, else to centimetres.
inline image_density without_metres(const image_density& d) {
    if (d.unit != density_unit::metre) return d;
    const double x = d.x * 0.0254, y = d.y * 0.0254;
    if (std::abs(x - std::round(x)) < 0.02) // PNG rounds to whole numbers per metre: 2835 for 72 per inch
        return {std::round(x), std::abs(y - std::round(y)) < 0.02 ? std::round(y) : y, density_unit::inch};
    return {d.x / 100, d.y / 100, density_unit::centimetre};
}

// Returns the metadata of a picture that has been turned upright: orientation 1, densities of width and height
// exchanged.
inline image_metadata upright_metadata(image_metadata m, int orientation) {
    if (orientation == 1) return m;
    set_exif_orientation(m.exif, 1);
    put_xmp_number(m.xmp, "tiff:Orientation", 1);
    if (orientation < 5) return m;
    if (m.density) std::swap(m.density->x, m.density->y);
    const tiff_structure in(m.exif);
    if (!in.valid()) return m;
    const auto x = in.find(in.first(), 0x011a), y = in.find(in.first(), 0x011b);
    if (x && y && x->bytes == 8 && y->bytes == 8 && x->value != y->value &&
        std::max(x->value, y->value) - std::min(x->value, y->value) >= 8)
        std::swap_ranges(m.exif.begin() + std::ptrdiff_t(x->value), m.exif.begin() + std::ptrdiff_t(x->value + 8),
                         m.exif.begin() + std::ptrdiff_t(y->value));
    return m;
}

// Makes an EXIF block that states only a density, for formats that have no other field for it.
inline byte_block exif_of_density(image_density d) {
    d = without_metres(d);
    byte_block out(8 + 2 + 3 * 12 + 4 + 16);
    const auto put = [&](std::size_t at, std::uint32_t value, std::size_t size) {
        put_tiff_number(out, at, value, size, true);
    };
    put(0, 'I' | 'I' << 8, 2), put(2, 42, 2), put(4, 8, 4), put(8, 3, 2);
    for (std::size_t i = 0; i < 2; ++i) {
        put(10 + 12 * i, 0x011a + std::uint32_t(i), 2), put(12 + 12 * i, 5, 2), put(14 + 12 * i, 1, 4);
        put(18 + 12 * i, 50 + 8 * std::uint32_t(i), 4);
        put(50 + 8 * i, std::uint32_t(std::min((i == 0 ? d.x : d.y) * 10000 + 0.5, 4e9)), 4);
        put(54 + 8 * i, 10000, 4);
    }
    const std::uint32_t unit = d.unit == density_unit::aspect ? 1 : d.unit == density_unit::inch ? 2 : 3;
    put(34, 0x0128, 2), put(36, 3, 2), put(38, 1, 4), put(42, unit, 2);
    return out;
}

} // namespace detail

} // namespace fovea
