// Reads PyTorch's .pth and .pt files: a zip archive with a pickle and one entry for each storage (torch.save since
// 1.6), or the older sequence of pickles followed by the storages. Nothing in the file is executed. Tensors become
// contiguous and keep their type; nested dictionaries and lists become names (tensor_file.hpp). Values that are None or
// bytes are dropped.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fovea/core/error.hpp"
#include "fovea/io/byte_reader.hpp"
#include "fovea/io/weights/pickle.hpp"
#include "fovea/io/weights/tensor_file.hpp"
#include "fovea/io/weights/torch_flatten.hpp"
#include "fovea/io/zip.hpp"

namespace fovea::detail {

// The older format begins with this pickle of the number 0x1950A86A20F9469CFC6C.
inline constexpr std::string_view old_torch_magic = "\x80\x02\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19.";

inline bool is_old_torch_file(std::span<const std::byte> file) {
    return text_of_bytes(file).starts_with(old_torch_magic);
}

// Returns the prefix of all names in an archive, such as "archive/".
inline std::string torch_archive_prefix(const zip_archive& archive, const std::string& source) {
    constexpr std::string_view pickle = "data.pkl";
    for (const zip_entry& entry : archive.entries()) {
        if (!entry.name.ends_with(pickle)) continue;
        const std::string prefix = entry.name.substr(0, entry.name.size() - pickle.size());
        if (prefix.empty() || prefix.find('/') == prefix.size() - 1) return prefix;
    }
    fail(source, ": is a zip archive without data.pkl; expected a file that torch.save wrote");
}

inline tensor_file read_torch_archive(std::span<const std::byte> file, const std::string& source) {
    const zip_archive archive(file, source);
    size_budget budget(source, file.size());
    const std::string prefix = torch_archive_prefix(archive, source);
    if (const zip_entry* order = archive.find(prefix + "byteorder");
        order && text_of_bytes(archive.read(*order, budget).bytes) != "little")
        fail(source, ": its numbers are not little-endian");

    const zip_bytes pickle = archive.read(*archive.find(prefix + "data.pkl"), budget);
    const pickle_value value = unpickler::read(pickle.bytes, source);
    std::map<std::string_view, zip_bytes> storages; // unpacked once each
    return flatten_torch(value, source, budget, [&](const torch_storage& storage) {
        const auto [place, is_new] = storages.try_emplace(storage.key);
        if (is_new) {
            const zip_entry* entry = archive.find(prefix + "data/" + std::string(storage.key));
            if (!entry)
                fail(source, ": has no entry ", prefix, "data/", printable(storage.key), " for a tensor's storage");
            place->second = archive.read(*entry, budget);
        }
        return place->second.bytes;
    });
}

// The older format has pickles of the magic number, the version, the machine and the contents, then one with the keys
// of the storages in their order. Each storage is its number of elements (64 bits) and its bytes.
inline tensor_file read_old_torch_file(std::span<const std::byte> file, const std::string& source) {
    std::size_t position = old_torch_magic.size();
    const auto next = [&] {
        pickle_value value = unpickler::read(file.subspan(position), source);
        position += value.length;
        return value;
    };
    const pickle_value version = next();
    next(); // the machine: its integer sizes, which are ignored
    const pickle_value contents = next(), keys = next();
    if (version.nodes[version.root].integer != 1001)
        fail(source, ": is of an unknown version of PyTorch's older format");

    std::map<std::string_view, const torch_storage*> described;
    for (const torch_storage& storage : contents.storages) described.emplace(storage.key, &storage);
    std::map<std::string_view, std::span<const std::byte>> storages;
    byte_reader in(file, source, position);
    for (const pickle_id id : keys.nodes[keys.root].items) {
        const auto found = described.find(keys.nodes[id].text);
        if (found == described.end()) fail(source, ": storage ", printable(keys.nodes[id].text), " is never described");
        const auto count = in.number<std::uint64_t>();
        if (count > in.left()) fail(source, ": storage ", printable(found->first), " claims ", count, " elements");
        storages.emplace(found->first, in.take(count * bytes_of(found->second->type)));
    }
    size_budget budget(source, file.size());
    return flatten_torch(contents, source, budget, [&](const torch_storage& storage) {
        const auto found = storages.find(storage.key);
        if (found == storages.end()) fail(source, ": has no bytes for storage ", printable(storage.key));
        return found->second;
    });
}

} // namespace fovea::detail
