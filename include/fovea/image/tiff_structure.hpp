// The directories of a TIFF structure (TIFF 6.0, section 2), of which EXIF is made, too: fields of tag, type, count and
// value. Used for metadata; libtiff reads the pixels of TIFF files. Reads outside of the data give 0.
#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

#include "fovea/image/format.hpp"
#include "fovea/image/metadata.hpp"

namespace fovea::detail {

// Bytes of one value of this field type; 0 for unknown types.
constexpr std::size_t tiff_type_size(unsigned type) {
    constexpr std::uint8_t sizes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4};
    return type < sizeof sizes ? sizes[type] : 0;
}

struct tiff_field {
    unsigned tag = 0, type = 0;
    std::size_t count = 0;
    std::size_t entry = 0, value = 0, bytes = 0; // offsets of the field and of its value; length of the value
};

// A structure with offsets of 4 bytes (TIFF) or 8 bytes (BigTIFF).
class tiff_structure {
  public:
    explicit tiff_structure(std::span<const std::byte> bytes, bool big_allowed = false) : bytes_(bytes) {
        using namespace std::string_view_literals;
        little_ = bytes_are(bytes, 0, "II"sv);
        if (!little_ && !bytes_are(bytes, 0, "MM"sv)) return;
        const std::uint64_t version = number(2, 2);
        big_ = version == 43 && big_allowed;
        valid_ = (version == 42 || big_) && is_directory(first());
    }

    bool valid() const { return valid_; } // there is a header and the first directory lies inside
    bool little() const { return little_; }
    std::span<const std::byte> bytes() const { return bytes_; }
    std::uint64_t number(std::size_t at, std::size_t size) const {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < size; ++i) value = value << 8 | byte_at(bytes_, at + (little_ ? size - 1 - i : i));
        return value;
    }
    std::size_t first() const { return big_ ? number(8, 8) : number(4, 4); }
    bool is_directory(std::size_t at) const {
        if (at < 8 || at >= bytes_.size() || count_size() > bytes_.size() - at) return false;
        return number(at, count_size()) <= (bytes_.size() - at - count_size()) / entry_size();
    }
    // The position of the offset of the directory that follows the one at `at`.
    std::size_t next_at(std::size_t at) const { return at + count_size() + entry_size() * number(at, count_size()); }

    // The fields of a directory whose values lie inside; empty if there is no directory.
    std::vector<tiff_field> fields(std::size_t at) const {
        std::vector<tiff_field> out;
        if (!is_directory(at)) return out;
        for (std::size_t entry = at + count_size(), end = next_at(at); entry < end; entry += entry_size()) {
            tiff_field f;
            f.entry = entry;
            f.tag = unsigned(number(f.entry, 2));
            f.type = unsigned(number(f.entry + 2, 2));
            f.count = number(f.entry + 4, offset_size());
            if (f.count == 0 || f.count > bytes_.size()) continue;
            f.bytes = f.count * tiff_type_size(f.type);
            f.value = f.entry + 4 + offset_size();
            if (f.bytes > offset_size()) f.value = number(f.value, offset_size());
            if (f.bytes > 0 && f.bytes <= bytes_.size() && f.value <= bytes_.size() - f.bytes) out.push_back(f);
        }
        return out;
    }
    std::optional<tiff_field> find(std::size_t directory, unsigned tag) const {
        for (const tiff_field& f : fields(directory))
            if (f.tag == tag) return f;
        return {};
    }
    std::span<const std::byte> value(const tiff_field& f) const { return bytes_.subspan(f.value, f.bytes); }
    // The first value of an integer field.
    std::uint64_t whole(const tiff_field& f) const { return number(f.value, tiff_type_size(f.type)); }
    double rational(const tiff_field& f) const {
        if (f.type != 5) return 0;
        const std::uint64_t below = number(f.value + 4, 4);
        return below == 0 ? 0 : double(number(f.value, 4)) / double(below);
    }
    // The offset of the directory to which a field of the first directory refers: tag 0x8769 EXIF, 0x8825 GPS. 0: none.
    std::size_t directory_under(unsigned tag) const {
        const auto f = find(first(), tag);
        return f && is_directory(whole(*f)) ? whole(*f) : 0;
    }

  private:
    std::size_t count_size() const { return big_ ? 8 : 2; }
    std::size_t entry_size() const { return big_ ? 20 : 12; }
    std::size_t offset_size() const { return big_ ? 8 : 4; }

    std::span<const std::byte> bytes_;
    bool little_ = false, big_ = false, valid_ = false;
};

inline void put_tiff_number(std::span<std::byte> bytes, std::size_t at, std::uint32_t value, std::size_t size,
                            bool little) {
    for (std::size_t i = 0; i < size && at + i < bytes.size(); ++i)
        bytes[at + i] = std::byte(std::uint8_t(value >> 8 * (little ? i : size - 1 - i)));
}

} // namespace fovea::detail
