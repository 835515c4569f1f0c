// Opening files by names of any script, on POSIX systems and Windows.
#pragma once
#include <cstdio>
#include <filesystem>
#include <string>

namespace fovea::detail {

// As std::fopen. Null, and errno set, where the file cannot be opened.
inline std::FILE* open_file(const std::filesystem::path& path, const char* mode) {
#if defined(_WIN32)
    const std::wstring wide(mode, mode + std::char_traits<char>::length(mode)); // mode is ASCII
    return _wfopen(path.c_str(), wide.c_str());
#else
    return std::fopen(path.c_str(), mode);
#endif
}

} // namespace fovea::detail
