// Pictures and small things that the tests of images share.
#pragma once
#include <cstdint>

#include "fovea/image/convert.hpp"
#include "fovea/image/image.hpp"
#include "support/errors.hpp"

namespace fovea_test {

// A picture whose samples take many values of their type and differ between neighbours and channels.
inline fovea::image varied(int height, int width, int channels, fovea::sample_type type = fovea::sample_type::u8) {
    fovea::image out(height, width, channels, type);
    std::uint32_t x = 7;
    fovea::detail::with_samples_of(type, [&](auto sample) {
        for (int y = 0; y < height; ++y)
            for (auto& s : out.row<decltype(sample)>(y)) {
                x = 1664525u * x + 1013904223u;
                const float fraction = float(x >> 8) / float(1 << 24);
                s = fovea::detail::sample_of<decltype(sample)>(fraction);
            }
    });
    return out;
}

// The mean absolute difference of two 8-bit pictures of one shape; 255 for pictures that cannot be compared.
inline double mean_difference(const fovea::image& a, const fovea::image& b) {
    if (a.height() != b.height() || a.row_bytes() != b.row_bytes() || a.empty()) return 255;
    double sum = 0;
    for (int y = 0; y < a.height(); ++y)
        for (std::size_t i = 0; i < a.row_bytes(); ++i)
            sum += std::abs(int(a.row<std::uint8_t>(y)[i]) - int(b.row<std::uint8_t>(y)[i]));
    return sum / double(a.row_bytes()) / a.height();
}

} // namespace fovea_test
