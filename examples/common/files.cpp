#include "common/files.hpp"

#include <cstdio>
#include <system_error>

#include "fovea/core/error.hpp"
#include "fovea/data/image_listing.hpp"
#include "fovea/image/convert.hpp"
#include "fovea/io/atomic_file.hpp"
#include "fovea/io/image/read.hpp"

namespace fs = std::filesystem;

namespace programs {

std::vector<fs::path> images_in(const fs::path& folder, bool recursive) {
    fovea::image_listing found = fovea::images_in(folder, {.recursive = recursive});
    const std::string left_out = fovea::text_of_left_out(folder, found);
    if (found.images.empty()) fovea::fail(left_out.empty() ? folder.string() : left_out, ": holds no images");
    if (!left_out.empty()) std::fprintf(stderr, "%s\n", left_out.c_str());
    return std::move(found.images);
}

std::vector<fs::path> images_of(const std::vector<std::string>& files_and_folders, bool recursive) {
    std::vector<fs::path> files;
    for (const fs::path in : files_and_folders) {
        if (!fs::is_directory(in)) {
            files.push_back(in);
            continue;
        }
        const auto inside = images_in(in, recursive);
        files.insert(files.end(), inside.begin(), inside.end());
    }
    return files;
}

fovea::image read_rgb8(const fs::path& p) {
    return fovea::with_type(fovea::with_channels(fovea::read_image(p), 3), fovea::sample_type::u8);
}

void make_output_folder(const fs::path& folder) {
    std::error_code problem;
    fs::create_directories(folder, problem);
    if (problem) fovea::fail(folder.string(), ": cannot make the folder: ", problem.message());
    check_output_file(folder / "x");
}

void check_output_file(const fs::path& file) {
    if (!file.empty()) fovea::atomic_file probe(file); // removes its temporary file
}

} // namespace programs
