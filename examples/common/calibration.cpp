#include "common/calibration.hpp"

#include "common/files.hpp"
#include "common/program.hpp"
#include "fovea/image/read.hpp"
#include "fovea/model/calibration.hpp"
#include "fovea/model/calibration_file.hpp"

namespace fs = std::filesystem;

namespace programs {

fovea::activation_ranges find_ranges(fovea::upscaler& network, const std::vector<fs::path>& images,
                                     const std::string& description) {
    fovea::calibrator seen(network);
    progress_bar bar("calibration");
    for (auto& path : images) {
        const fovea::image in = fovea::read_image(path);
        try {
            seen.add(in);
        } catch (const fovea::error& e) {
            fovea::fail(path.string(), ": ", e.what());
        }
        bar(double(seen.images()) / double(images.size()));
    }
    auto ranges = seen.ranges();
    ranges.network = description;
    return ranges;
}

fovea::activation_ranges ranges_from(const std::string& file_or_folder, fovea::upscaler& network,
                                     const std::string& description) {
    if (fs::is_directory(file_or_folder)) return find_ranges(network, images_in(file_or_folder), description);
    return fovea::read_activation_ranges(file_or_folder);
}

} // namespace programs
