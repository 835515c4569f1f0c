// Image files in folders, and what can be known of outputs before anything is computed.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "fovea/image/image.hpp"

namespace programs {

// The images of a folder (fovea/data/image_listing.hpp), sorted; what was left out is told in one line on standard
// error. Throws when there is none.
std::vector<std::filesystem::path> images_in(const std::filesystem::path& folder, bool recursive = false);

// Files as they are, and the images of folders.
std::vector<std::filesystem::path> images_of(const std::vector<std::string>& files_and_folders, bool recursive = false);

// What images are compared as.
fovea::image read_rgb8(const std::filesystem::path& p);

// Makes the folder where it is not there, and throws where no file can be written in it.
void make_output_folder(const std::filesystem::path& folder);

// Throws where a file of this name cannot be written; an existing one stays as it is. An empty name is no file.
void check_output_file(const std::filesystem::path& file);

} // namespace programs
