// Decides which files of a folder are images, by one rule for all programs.
//
// A file is an image if its first bytes are those of a known format, whatever its name is (photo.jfif, scan), or if its
// name ends like that of an image, so that a damaged picture causes an error in its reader instead of being ignored.
// Names that begin with a dot are ignored, as are the companions that macOS writes (._photo.png).
#pragma once
#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "fovea/core/error.hpp"
#include "fovea/data/folder.hpp"
#include "fovea/io/image/header.hpp"

namespace fovea {

struct listing_options {
    bool recursive = false; // also lists the folders inside the folder
};

struct image_listing {
    std::vector<std::filesystem::path> images;  // sorted
    std::vector<std::filesystem::path> others;  // files that are not images
    std::vector<std::filesystem::path> folders; // folders that were not entered
    std::vector<skipped_file> skipped;          // files that could not be read
};

namespace detail {

inline bool has_image_extension(const std::filesystem::path& path) {
    std::string extension = path.extension().string();
    std::ranges::transform(extension, extension.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
    constexpr std::string_view known[] = {".png", ".apng", ".jpg", ".jpeg", ".jpe",  ".jfif", ".webp", ".bmp",
                                          ".dib", ".gif",  ".tga", ".icb",  ".vda",  ".vst",  ".pbm",  ".pgm",
                                          ".ppm", ".pnm",  ".pam", ".tif",  ".tiff", ".avif", ".jxl",  ".jp2"};
    return std::ranges::find(known, extension) != std::end(known);
}

inline bool is_image_file(const std::filesystem::path& path) {
    if (path.filename().string().starts_with('.')) return false;
    if (has_image_extension(path)) return true;
    return recognise_file(path) != image_format::unknown;
}

} // namespace detail

// Lists the images of a folder. Throws if there is no such folder or it cannot be read; an empty listing is not an
// error.
inline image_listing images_in(const std::filesystem::path& folder, listing_options options = {}) {
    namespace fs = std::filesystem;
    image_listing found;
    const auto sort = [](image_listing& all) {
        for (auto* list : {&all.images, &all.others, &all.folders}) std::ranges::sort(*list);
    };
    if (options.recursive) {
        folder_listing all = files_below(folder);
        found.skipped = std::move(all.skipped);
        for (auto& file : all.files) (detail::is_image_file(file) ? found.images : found.others).push_back(file);
        sort(found);
        return found;
    }
    std::error_code problem;
    for (fs::directory_iterator i(folder, problem), end; !problem && i != end; i.increment(problem)) {
        std::error_code ignored;
        if (i->is_directory(ignored))
            found.folders.push_back(i->path());
        else if (i->is_regular_file(ignored))
            (detail::is_image_file(i->path()) ? found.images : found.others).push_back(i->path());
        else
            found.skipped.push_back({i->path(), i->path().string() + ": neither a file nor a folder"});
    }
    if (problem) fail(folder.string(), ": cannot read the folder: ", problem.message());
    sort(found);
    return found;
}

// Describes what a listing left out in one line, "photos: left out 3 files that are no images (notes.txt, ...)"; empty
// if it left out nothing.
inline std::string text_of_left_out(const std::filesystem::path& folder, const image_listing& found) {
    std::string text;
    const auto add = [&](std::size_t count, const char* one, const char* many, const std::string& example) {
        if (count == 0) return;
        text += text_of(text.empty() ? ": left out " : " and ", count, ' ', count == 1 ? one : many, " (", example,
                        count == 1 ? ")" : ", ...)");
    };
    const auto first = [](const auto& list) { return list.empty() ? std::string() : list[0].filename().string(); };
    add(found.others.size(), "file that is no image", "files that are no images", first(found.others));
    add(found.folders.size(), "folder", "folders", first(found.folders));
    if (!found.skipped.empty())
        add(found.skipped.size(), "entry that cannot be read", "entries that cannot be read",
            found.skipped[0].path.filename().string());
    return text.empty() ? text : folder.string() + text;
}

} // namespace fovea
