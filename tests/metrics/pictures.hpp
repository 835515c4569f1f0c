// The pictures that metrics are compared on; pictures.py makes the same.
#pragma once
#include <array>
#include <cstdint>

#include "fovea/image/image.hpp"

// A wave, and the same wave with another one added.
inline std::array<fovea::image, 2> pair_of(int height, int width) {
    std::array<fovea::image, 2> out{fovea::image(height, width, 3), fovea::image(height, width, 3)};
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
            for (int c = 0; c < 3; ++c) {
                const std::size_t i = std::size_t(3 * x + c);
                const int a = (x * x + 3 * y * x + 17 * c) / 5 % 256;
                out[0].row<std::uint8_t>(y)[i] = std::uint8_t(a);
                out[1].row<std::uint8_t>(y)[i] = std::uint8_t(a * 7 / 8 + (5 * x + y * y + 29 * c) % 31);
            }
    return out;
}
