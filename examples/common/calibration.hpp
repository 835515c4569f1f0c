// The ranges of activations that 8-bit convolutions need: read from a file, or found in images.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "fovea/graph/quantise.hpp"
#include "fovea/model/upscaler.hpp"

namespace programs {

struct found_ranges {
    fovea::activation_ranges ranges;
    std::size_t left_out = 0; // images that cannot be read or run
};

// Runs a float32 network over the images. One that cannot be read or run is told on standard error and left out; where
// there is no other, its error is thrown.
found_ranges find_ranges(fovea::upscaler& network, const std::vector<std::filesystem::path>& images,
                         const std::string& description);

// What --calibration names: a file that `calibrate` wrote, or a folder of images, over which `network` is run.
fovea::activation_ranges ranges_from(const std::string& file_or_folder, fovea::upscaler& network,
                                     const std::string& description);

} // namespace programs
