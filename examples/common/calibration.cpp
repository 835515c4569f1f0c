#include "common/calibration.hpp"

#include "common/files.hpp"
#include "common/program.hpp"
#include "fovea/io/image/read.hpp"
#include "fovea/model/calibration.hpp"
#include "fovea/model/calibration_file.hpp"

namespace fs = std::filesystem;

namespace programs {

found_ranges find_ranges(fovea::upscaler& network, const std::vector<fs::path>& images,
                         const std::string& description) {
    fovea::calibrator seen(network);
    progress_bar bar("calibration");
    std::vector<std::string> reasons;
    for (auto& path : images) {
        fovea::image in;
        std::string reason = fovea::reason_of_failure([&] { in = fovea::read_image(path); });
        if (reason.empty()) {
            reason = fovea::reason_of_failure([&] { seen.add(in); });
            if (!reason.empty()) reason = path.string() + ": " + reason;
        }
        if (!reason.empty()) reasons.push_back(reason);
        bar(double(seen.images() + reasons.size()) / double(images.size()));
    }
    if (seen.images() == 0) fovea::fail(reasons.empty() ? "no images to find ranges in" : reasons.front());
    for (auto& reason : reasons) std::fprintf(stderr, "left out: %s\n", reason.c_str());
    found_ranges found{seen.ranges(), reasons.size()};
    found.ranges.network = description;
    return found;
}

fovea::activation_ranges ranges_from(const std::string& file_or_folder, fovea::upscaler& network,
                                     const std::string& description) {
    if (fs::is_directory(file_or_folder)) return find_ranges(network, images_in(file_or_folder), description).ranges;
    return fovea::read_activation_ranges(file_or_folder);
}

} // namespace programs
