// Reads a whole file into memory.
#pragma once
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "fovea/core/error.hpp"
#include "fovea/io/open_file.hpp"

namespace fovea {

// Reads a regular file or a pipe to its end. Throws fovea::error with the file name and the system's reason if the file
// is missing, a folder, a device, unreadable, or longer than `limit` bytes.
inline std::vector<std::byte> read_file(const std::filesystem::path& path, std::uint64_t limit = std::uint64_t(1)
                                                                                                 << 32) {
    namespace fs = std::filesystem;
    const std::string name = path.string();
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (!fs::exists(status)) fail(name, ": cannot read: ", error ? error.message() : "no such file");
    if (fs::is_directory(status)) fail(name, ": cannot read: is a folder");
    if (!fs::is_regular_file(status) && !fs::is_fifo(status)) fail(name, ": cannot read: is a device, not a file");

    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(detail::open_file(path, "rb"), std::fclose);
    if (!file) fail(name, ": cannot read: ", std::generic_category().message(errno));
    const std::uint64_t stated = fs::is_regular_file(status) ? std::uint64_t(fs::file_size(path, error)) : 0;
    if (error) fail(name, ": cannot read: ", error.message());
    if (stated > limit) fail(name, ": has ", stated, " bytes: expected at most ", limit);

    // One byte more than the stated size lets the first pass see the end; pipes and growing files take more passes.
    std::vector<std::byte> bytes(std::size_t(stated) + 1);
    std::size_t filled = 0;
    while (true) {
        filled += std::fread(bytes.data() + filled, 1, bytes.size() - filled, file.get());
        if (filled < bytes.size()) break;
        if (filled > limit) fail(name, ": has more than ", limit, " bytes");
        bytes.resize(bytes.size() * 2 + 65536);
    }
    if (std::ferror(file.get())) fail(name, ": cannot read: ", std::generic_category().message(errno));
    bytes.resize(filled);
    return bytes;
}

} // namespace fovea
