// Image files in folders, and checks of outputs before anything is computed.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "fovea/image/image.hpp"

namespace programs {

// Returns the images of a folder (fovea/data/image_listing.hpp), sorted. One line on standard error tells what was left
// out. Throws if there is no image.
std::vector<std::filesystem::path> images_in(const std::filesystem::path& folder, bool recursive = false);

// Returns the given files and the images of the given folders.
std::vector<std::filesystem::path> images_of(const std::vector<std::string>& files_and_folders, bool recursive = false);

// Reads an image as 8-bit RGB, the form in which images are compared.
fovea::image read_rgb8(const std::filesystem::path& p);

// Creates the folder if it does not exist, and throws if no file can be written in it.
void make_output_folder(const std::filesystem::path& folder);

// Throws if a file of this name cannot be written; an existing file is unchanged. An empty name means no file.
void check_output_file(const std::filesystem::path& file);

} // namespace programs
