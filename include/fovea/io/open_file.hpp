// Opens files whose names may have characters of any script, on POSIX systems and Windows.
#pragma once
#include <cstdio>
#include <filesystem>
#include <string>

namespace fovea::detail {

// Like std::fopen: returns null and sets errno if the file cannot be opened.
inline std::FILE* open_file(const std::filesystem::path& path, const char* mode) {
#if defined(_WIN32)
    const std::wstring wide(mode, mode + std::char_traits<char>::length(mode)); // mode is ASCII
    return _wfopen(path.c_str(), wide.c_str());
#else
    return std::fopen(path.c_str(), mode);
#endif
}

} // namespace fovea::detail
