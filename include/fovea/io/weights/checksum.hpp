// A checksum of everything in a weight file: the metadata, and the name, type, shape and numbers of each tensor. It is
// stored as a metadata entry, which is itself left out of the sum. Files without it, from other programs or earlier
// versions, are accepted.
#pragma once
#include <cstdio>
#include <span>
#include <string>
#include <string_view>

#include "fovea/io/crc32c.hpp"
#include "fovea/io/weights/tensor_file.hpp"

namespace fovea {

namespace detail {

inline constexpr char checksum_name[] = "fovea.checksum"; // key in the metadata

} // namespace detail

// Returns the checksum in the form "crc32c 0123abcd".
inline std::string checksum_of(const tensor_file& file) {
    std::uint32_t parts = 0; // each step hashes the checksum so far and that of the next part
    const auto add = [&](std::span<const std::byte> bytes) {
        const std::uint32_t both[] = {parts, detail::crc32c_of(bytes)};
        parts = detail::crc32c_of(std::as_bytes(std::span(both)));
    };
    const auto add_text = [&](std::string_view text) { add(std::as_bytes(std::span(text))); };
    for (auto& [name, value] : file.metadata)
        if (name != detail::checksum_name) add_text(name), add_text(value);
    for (const stored_tensor& t : file.tensors()) {
        add_text(t.name), add_text(name_of(t.type)), add_text(text_of_shape(t.shape));
        add(t.bytes);
    }
    char text[32];
    std::snprintf(text, sizeof text, "crc32c %08x", static_cast<unsigned>(parts));
    return text;
}

// Stores the checksum of the file in its metadata.
inline void add_checksum(tensor_file& file) { file.metadata[detail::checksum_name] = checksum_of(file); }

// Throws if the file has a checksum that does not match.
inline void check_checksum(const tensor_file& file) {
    const auto found = file.metadata.find(detail::checksum_name);
    if (found == file.metadata.end()) return;
    if (const std::string is = checksum_of(file); is != found->second)
        fail(file.source, ": is damaged: its checksum is ", is, ": expected ", found->second);
}

} // namespace fovea
