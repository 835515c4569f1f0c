// A folder of a test's own under the system's temporary folder, removed with everything in it at the end.
#pragma once
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <random>
#include <string>

namespace fovea_test {

struct scratch_folder {
    scratch_folder() {
        std::random_device random;
        do path = std::filesystem::temp_directory_path() / ("fovea-test-" + std::to_string(random()));
        while (!std::filesystem::create_directory(path));
    }
    ~scratch_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;

    std::size_t entries() const {
        return std::size_t(
            std::distance(std::filesystem::directory_iterator(path), std::filesystem::directory_iterator()));
    }

    std::filesystem::path path;
};

} // namespace fovea_test
