// LPIPS in the programs: a metric with weights from two files.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "fovea/core/threads.hpp"
#include "fovea/image/image.hpp"

namespace programs {

struct lpips_choice {
    std::string backbone; // --lpips-backbone
    std::string weights;  // --lpips-weights
};

// Compares two images without `crop` pixels at each border. load_lpips() throws if a file is not named, cannot be read,
// or does not fit.
using lpips_metric = std::function<double(const fovea::image&, const fovea::image&, int crop)>;
lpips_metric load_lpips(const lpips_choice& choice, fovea::context& threads, const std::string& device);

template <class Lpips> lpips_metric metric_of(std::shared_ptr<Lpips> metric) {
    return [metric](const fovea::image& a, const fovea::image& b, int crop) { return (*metric)(a, b, crop); };
}

} // namespace programs
