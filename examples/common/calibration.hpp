// The ranges of activations for 8-bit convolutions, read from a file or found by running the network on images.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "fovea/graph/quantise.hpp"
#include "fovea/model/upscaler.hpp"

namespace programs {

struct found_ranges {
    fovea::activation_ranges ranges;
    std::size_t left_out = 0; // images that could not be read or run
};

// Runs a float32 network on the images. An image that cannot be read or run is reported on standard error and left out;
// if no image is left, its error is thrown.
found_ranges find_ranges(fovea::upscaler& network, const std::vector<std::filesystem::path>& images,
                         const std::string& description);

// Returns the ranges for the argument of --calibration: a file that `calibrate` wrote, or a folder of images on which
// `network` is run.
fovea::activation_ranges ranges_from(const std::string& file_or_folder, fovea::upscaler& network,
                                     const std::string& description);

} // namespace programs
