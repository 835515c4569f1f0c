// Image files in folders.
#pragma once
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <vector>

#include "fovea/core/error.hpp"
#include "fovea/image/convert.hpp"
#include "fovea/image/read.hpp"

namespace programs {

inline bool has_image_extension(const std::filesystem::path& p) {
    std::string e = p.extension().string();
    std::transform(e.begin(), e.end(), e.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    constexpr const char* known[] = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tga", ".pgm", ".ppm", ".pnm"};
    return std::find(std::begin(known), std::end(known), e) != std::end(known);
}

// Every file of a folder that is named like an image, in alphabetical order. Throws when there is none.
inline std::vector<std::filesystem::path> images_in(const std::filesystem::path& folder) {
    std::error_code problem;
    std::vector<std::filesystem::path> files;
    for (std::filesystem::directory_iterator i(folder, problem), end; !problem && i != end; i.increment(problem))
        if (i->is_regular_file(problem) && has_image_extension(i->path())) files.push_back(i->path());
    if (problem) fovea::fail(folder.string(), ": cannot read the folder: ", problem.message());
    if (files.empty()) fovea::fail(folder.string(), ": holds no images");
    std::sort(files.begin(), files.end());
    return files;
}

// What images are compared as.
inline fovea::image read_rgb8(const std::filesystem::path& p) {
    return fovea::with_type(fovea::with_channels(fovea::read_image(p), 3), fovea::sample_type::u8);
}

} // namespace programs
