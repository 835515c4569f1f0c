// Reads zip archives in memory, as far as .pth files need it (PKWARE APPNOTE 6.3.10): stored entries, deflated entries
// if FOVEA_WITH_ZLIB is 1, ZIP64, sizes after the data. Names, sizes and positions come from the central directory.
// Every offset is checked against the archive, and every entry that is read against its CRC. Encryption and multiple
// volumes are not supported.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fovea/core/config.hpp"
#include "fovea/core/error.hpp"
#include "fovea/io/byte_reader.hpp"
#include "fovea/io/crc32.hpp"
#if FOVEA_WITH_ZLIB
#include <zlib.h>
#endif

namespace fovea::detail {

struct zip_entry {
    std::string name;
    std::uint16_t flags = 0, method = 0; // method: 0 stored, 8 deflated
    std::uint32_t crc = 0;
    std::uint64_t packed_size = 0, size = 0, header_offset = 0;
};

// The bytes of an entry: a view of the archive for a stored entry, else of `unpacked`.
struct zip_bytes {
    std::vector<std::byte> unpacked;
    std::span<const std::byte> bytes;
};

class zip_archive {
  public:
    static bool recognises(std::span<const std::byte> file) { return text_of_bytes(file).substr(0, 4) == "PK\x03\x04"; }

    // `file` must outlive the archive; `source` names it in errors.
    zip_archive(std::span<const std::byte> file, std::string source) : file_(file), source_(std::move(source)) {
        read_directory(find_directory());
    }

    const std::vector<zip_entry>& entries() const { return entries_; }

    const zip_entry* find(const std::string& name) const {
        const auto found = places_.find(name);
        return found == places_.end() ? nullptr : &entries_[found->second];
    }

    // Returns the contents of an entry, checked against its CRC. The budget is charged for stored entries too, because
    // entries may share bytes of the archive and each costs the time of its CRC.
    zip_bytes read(const zip_entry& entry, size_budget& budget) const {
        const auto packed = packed_bytes(entry);
        budget.spend(entry.size, printable(entry.name));
        zip_bytes result;
        if (entry.method == 0) {
            if (entry.packed_size != entry.size) fail_at(entry, "is stored, but its two sizes differ");
            result.bytes = packed;
        } else if (entry.method == 8) {
            result.unpacked = inflate_entry(entry, packed);
            result.bytes = result.unpacked;
        } else {
            fail_at(entry, "has compression method ", entry.method, "; expected 0 (stored) or 8 (deflated)");
        }
        if (crc32_of(result.bytes) != entry.crc) fail_at(entry, "is damaged: its CRC does not match");
        return result;
    }

  private:
    struct directory {
        std::uint64_t entries, size, offset;
    };

    template <class... Parts> [[noreturn]] void fail_at(const zip_entry& entry, const Parts&... parts) const {
        fail(source_, ": entry ", printable(entry.name), " ", parts...);
    }

    byte_reader reader_at(std::uint64_t offset, std::string_view what) const {
        if (offset > file_.size())
            fail(source_, ": ", what, " would be at byte ", offset, " of ", file_.size(),
                 "; the file is cut or damaged");
        return {file_, source_, static_cast<std::size_t>(offset)};
    }

    // The end record lies within the last 64 KiB; a comment follows it up to the end of the file.
    std::size_t find_end_record() const {
        constexpr std::size_t record = 22, longest_comment = 65535;
        const std::string_view text = text_of_bytes(file_);
        std::size_t from = text.size();
        while ((from = text.rfind("PK\x05\x06", from)) != std::string_view::npos) {
            if (from + record + longest_comment < text.size()) break;
            if (from + record <= text.size()) {
                byte_reader comment(file_, source_, from + 20);
                if (from + record + comment.number<std::uint16_t>() == text.size()) return from;
            }
            if (from-- == 0) break;
        }
        fail(source_, ": is not a whole zip archive: its directory at the end is missing; the file is cut or damaged");
    }

    directory find_directory() const {
        const std::size_t end = find_end_record();
        byte_reader in(file_, source_, end + 4);
        const auto disk = in.number<std::uint16_t>(), first_disk = in.number<std::uint16_t>();
        const auto here = in.number<std::uint16_t>(), all = in.number<std::uint16_t>();
        const auto size = in.number<std::uint32_t>(), offset = in.number<std::uint32_t>();
        const bool large = all == 0xFFFF || size == 0xFFFFFFFFu || offset == 0xFFFFFFFFu;
        if (large && end >= 20 && text_of_bytes(file_).substr(end - 20, 4) == "PK\x06\x07")
            return find_large_directory(end - 20);
        if (disk != 0 || first_disk != 0 || here != all)
            fail(source_, ": zip archives in several volumes are not read");
        return checked({all, size, offset}, end);
    }

    // ZIP64: the locator gives the position of a wider end record.
    directory find_large_directory(std::size_t locator) const {
        byte_reader in(file_, source_, locator + 8);
        const auto end = in.number<std::uint64_t>();
        byte_reader record = reader_at(end, "its ZIP64 directory record");
        if (record.number<std::uint32_t>() != 0x06064B50u)
            fail(source_, ": has no ZIP64 directory record at byte ", end);
        record.take(12 + 4 + 4); // size and versions; disks
        const auto here = record.number<std::uint64_t>(), all = record.number<std::uint64_t>();
        const auto size = record.number<std::uint64_t>(), offset = record.number<std::uint64_t>();
        if (here != all) fail(source_, ": zip archives in several volumes are not read");
        return checked({all, size, offset}, end);
    }

    directory checked(directory found, std::uint64_t end) const {
        constexpr std::uint64_t smallest_entry = 46;
        if (found.offset > end || found.size > end - found.offset || found.entries > found.size / smallest_entry)
            fail(source_, ": its zip directory claims ", found.entries, " entries in ", found.size, " bytes at byte ",
                 found.offset, ", which the file does not have");
        return found;
    }

    void read_directory(const directory& where) {
        byte_reader in(file_.first(static_cast<std::size_t>(where.offset + where.size)), source_,
                       static_cast<std::size_t>(where.offset));
        entries_.reserve(static_cast<std::size_t>(where.entries));
        for (std::uint64_t i = 0; i < where.entries; ++i) {
            zip_entry entry = read_directory_entry(in);
            if (!places_.try_emplace(entry.name, entries_.size()).second)
                fail_at(entry, "appears twice in the archive");
            entries_.push_back(std::move(entry));
        }
    }

    zip_entry read_directory_entry(byte_reader& in) const {
        zip_entry entry;
        if (in.number<std::uint32_t>() != 0x02014B50u)
            fail(source_, ": its zip directory is damaged at byte ", in.position() - 4);
        in.take(4); // versions
        entry.flags = in.number<std::uint16_t>();
        entry.method = in.number<std::uint16_t>();
        in.take(4); // time and date
        entry.crc = in.number<std::uint32_t>();
        entry.packed_size = in.number<std::uint32_t>();
        entry.size = in.number<std::uint32_t>();
        const auto name = in.number<std::uint16_t>(), extra = in.number<std::uint16_t>(),
                   comment = in.number<std::uint16_t>();
        in.take(2 + 2 + 4); // disk, attributes
        entry.header_offset = in.number<std::uint32_t>();
        entry.name = text_of_bytes(in.take(name));
        read_extra_fields(byte_reader(in.take(extra), source_), entry);
        in.take(comment);
        return entry;
    }

    // The ZIP64 field holds, in this order, those of the three numbers that are all ones in the entry itself.
    void read_extra_fields(byte_reader in, zip_entry& entry) const {
        while (in.left() >= 4) {
            const auto id = in.number<std::uint16_t>(), length = in.number<std::uint16_t>();
            byte_reader field(in.take(length), source_);
            if (id != 1) continue;
            for (std::uint64_t* wide : {&entry.size, &entry.packed_size, &entry.header_offset})
                if (*wide == 0xFFFFFFFFu) *wide = field.number<std::uint64_t>();
        }
    }

    std::span<const std::byte> packed_bytes(const zip_entry& entry) const {
        if (entry.flags & 1) fail_at(entry, "is encrypted");
        byte_reader header = reader_at(entry.header_offset, printable(entry.name));
        if (header.number<std::uint32_t>() != 0x04034B50u)
            fail_at(entry, "has no header at byte ", entry.header_offset);
        header.take(22);
        const auto name = header.number<std::uint16_t>(), extra = header.number<std::uint16_t>();
        header.take(std::uint64_t(name) + extra);
        if (entry.packed_size > header.left())
            fail_at(entry, "claims ", entry.packed_size, " bytes where ", header.left(), " are left");
        return header.take(entry.packed_size);
    }

    std::vector<std::byte> inflate_entry([[maybe_unused]] const zip_entry& entry,
                                         [[maybe_unused]] std::span<const std::byte> packed) const {
#if FOVEA_WITH_ZLIB
        if (entry.size == 0) return {};
        std::vector<std::byte> unpacked(static_cast<std::size_t>(entry.size));
        z_stream stream{};
        if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) fail_at(entry, "could not be inflated: zlib did not start");
        const std::uint64_t most = 1u << 30; // avail_in and avail_out are 32 bits wide
        std::size_t read = 0, written = 0;
        int status = Z_OK;
        while (status == Z_OK) {
            stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data() + read));
            stream.avail_in = static_cast<uInt>(std::min<std::uint64_t>(most, packed.size() - read));
            stream.next_out = reinterpret_cast<Bytef*>(unpacked.data() + written);
            stream.avail_out = static_cast<uInt>(std::min<std::uint64_t>(most, unpacked.size() - written));
            const auto in_before = stream.avail_in, out_before = stream.avail_out;
            status = inflate(&stream, Z_NO_FLUSH);
            read += in_before - stream.avail_in;
            written += out_before - stream.avail_out;
        }
        inflateEnd(&stream);
        if (status != Z_STREAM_END || written != unpacked.size())
            fail_at(entry, "is damaged: ", written, " of ", unpacked.size(), " bytes could be inflated");
        return unpacked;
#else
        fail_at(entry, "is deflated, and fovea was built without zlib: define FOVEA_WITH_ZLIB=1 and link zlib");
#endif
    }

    std::span<const std::byte> file_;
    std::string source_;
    std::vector<zip_entry> entries_;
    std::unordered_map<std::string, std::size_t> places_; // name -> index in entries_
};

} // namespace fovea::detail
