// The ranges of activations that 8-bit convolutions need: read from a file, or found in images.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "fovea/graph/quantise.hpp"
#include "fovea/model/upscaler.hpp"

namespace programs {

// Runs a float32 network over the images. Throws naming the image that cannot be read or run.
fovea::activation_ranges find_ranges(fovea::upscaler& network, const std::vector<std::filesystem::path>& images,
                                     const std::string& description);

// What --calibration names: a file that `calibrate` wrote, or a folder of images, over which `network` is run.
fovea::activation_ranges ranges_from(const std::string& file_or_folder, fovea::upscaler& network,
                                     const std::string& description);

} // namespace programs
