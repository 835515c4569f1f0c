// Folders of generated pictures that the tests of training data share.
#pragma once
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "fovea/data/training_set.hpp"
#include "fovea/io/image/write.hpp"
#include "image/pictures.hpp"
#include "support/catch.hpp"
#include "support/scratch.hpp"

namespace fovea_test {

inline void write_text(const std::filesystem::path& path, const std::string& text) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
}

inline void write_picture(const std::filesystem::path& path, const fovea::image& pixels) {
    std::filesystem::create_directories(path.parent_path());
    fovea::write_image(path, pixels);
}

// Different pictures for different numbers: of `side` + number pixels, so that sizes differ too.
inline void write_pictures(const std::filesystem::path& folder, int count, int side) {
    for (int i = 0; i < count; ++i) {
        const fovea::image large = varied(side + 40, side + 40, 3);
        write_picture(folder / (std::to_string(10 + i) + ".png"), fovea::crop(large, i, i, side + i, side + 2 * i));
    }
}

// Every sample of the pixel is `value`.
inline fovea::image flat(int height, int width, std::uint8_t value) {
    fovea::image out(height, width, 3);
    std::memset(out.data(), value, out.row_bytes() * std::size_t(height));
    return out;
}

inline std::vector<std::string> names_of(const std::vector<fovea::picture_files>& pictures) {
    std::vector<std::string> names;
    for (const auto& p : pictures) names.push_back(p.high.filename().string());
    return names;
}

// A part as it is in the file, to compare samples with.
inline constexpr fovea::augmentation plain_part(int size) { return {.size = size, .mirror = 0, .turn = 0}; }

} // namespace fovea_test
