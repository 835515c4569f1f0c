// Bounds-checked reading of little-endian numbers from bytes, and the limit on what a file may make its reader
// allocate.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "fovea/core/error.hpp"

namespace fovea::detail {

inline std::string_view text_of_bytes(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Prepares a text from a file for a message: one line of limited length, without control characters.
inline std::string printable(std::string_view text) {
    constexpr std::size_t longest = 120;
    std::string shown(text.substr(0, longest));
    for (char& c : shown)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
    return text.size() > longest ? shown + "..." : shown;
}

// Reads onwards from `position`. Reading past the end is an error that names `source`.
class byte_reader {
  public:
    byte_reader(std::span<const std::byte> bytes, std::string source, std::size_t position = 0)
        : bytes_(bytes), source_(std::move(source)), position_(position) {}

    std::size_t position() const { return position_; }
    std::size_t left() const { return bytes_.size() - position_; }
    const std::string& source() const { return source_; }

    std::span<const std::byte> take(std::uint64_t count) {
        if (position_ > bytes_.size() || count > left())
            fail(source_, ": ends too early: ", count, " bytes expected at byte ", position_, " of ", bytes_.size());
        const auto taken = bytes_.subspan(position_, static_cast<std::size_t>(count));
        position_ += taken.size();
        return taken;
    }

    template <class T> T number() {
        T value;
        std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
        return value;
    }

    // The text up to the next line feed; the line feed is consumed.
    std::string_view line() {
        const std::string_view rest = text_of_bytes(bytes_.subspan(position_));
        const std::size_t end = rest.find('\n');
        if (end == std::string_view::npos) fail(source_, ": ends within a line that begins at byte ", position_);
        position_ += end + 1;
        return rest.substr(0, end);
    }

  private:
    std::span<const std::byte> bytes_;
    std::string source_;
    std::size_t position_;
};

// Limits what a file may expand to (by compression, views of one storage, shared dictionaries): 64 MiB and 16 times its
// own size. A file that claims more is treated as hostile. Call spend() before allocating.
class size_budget {
  public:
    size_budget(std::string source, std::size_t file_bytes)
        : source_(std::move(source)), left_((std::uint64_t(64) << 20) + 16 * std::uint64_t(file_bytes)) {}

    void spend(std::uint64_t bytes, std::string_view what) {
        if (bytes > left_)
            fail(source_, ": ", what, " unfolds to ", bytes, " bytes, more than the ", left_,
                 " that a file of this size may still take");
        left_ -= bytes;
    }

  private:
    std::string source_;
    std::uint64_t left_;
};

} // namespace fovea::detail
