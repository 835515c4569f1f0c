// Prepares two images of equal size for a metric: planes of doubles in the range 0..255, without a border.
#pragma once
#include <array>
#include <cstddef>
#include <vector>

#include "fovea/image/colour.hpp"
#include "fovea/image/convert.hpp"
#include "fovea/image/crop.hpp"
#include "fovea/image/image.hpp"

namespace fovea {

// What a metric compares: luma (BT.601, studio range) or the three channels of RGB.
enum class metric_channels { y, rgb };

// Options of psnr(), ssim() and vif().
struct metric_options {
    metric_channels channels = metric_channels::y;
    int crop = 0; // pixels left out at each border; usually the scale
};

namespace detail {

struct metric_plane {
    int height = 0, width = 0;
    std::vector<double> values; // (H,W)
    const double* row(int y) const { return values.data() + std::size_t(y) * std::size_t(width); }
};

// Returns one plane (Y) or three (R, G, B). Gray counts as three equal channels; alpha is ignored.
inline std::vector<metric_plane> planes_of(const image& in, metric_options options) {
    const image rgb = with_channels(in, 3);
    const double unit = 255 / double(white_of(in.type()));
    const bool luma = options.channels == metric_channels::y;
    const int height = in.height() - 2 * options.crop, width = in.width() - 2 * options.crop;
    std::vector<metric_plane> planes(luma ? 1 : 3, {height, width, {}});
    for (auto& p : planes) p.values.reserve(std::size_t(height) * std::size_t(width));
    with_samples_of(in.type(), [&](auto sample) {
        for (int y = 0; y < height; ++y) {
            const auto row = rgb.row<decltype(sample)>(y + options.crop).subspan(3 * std::size_t(options.crop));
            for (std::size_t x = 0; x < std::size_t(width); ++x) {
                const double r = row[3 * x] * unit, g = row[3 * x + 1] * unit, b = row[3 * x + 2] * unit;
                if (luma) {
                    planes[0].values.push_back(luma_bt601(r, g, b));
                } else {
                    planes[0].values.push_back(r);
                    planes[1].values.push_back(g);
                    planes[2].values.push_back(b);
                }
            }
        }
    });
    return planes;
}

// Throws if the sizes differ or the crop leaves less than `least` pixels on a side.
inline void check_compared(const char* metric, const image& a, const image& b, metric_options options, int least) {
    if (a.height() != b.height() || a.width() != b.width())
        fail(metric, ": images of ", a.width(), "x", a.height(), " and ", b.width(), "x", b.height(), " pixels");
    if (options.crop < 0 || a.height() - 2 * options.crop < least || a.width() - 2 * options.crop < least)
        fail(metric, ": ", a.width(), "x", a.height(), " pixels less ", options.crop,
             " at each border: expected at least ", least, " on each side");
}

// Returns the planes of both images; throws as check_compared() does.
inline std::array<std::vector<metric_plane>, 2> compared_planes(const char* metric, const image& a, const image& b,
                                                                metric_options options, int least) {
    check_compared(metric, a, b, options, least);
    return {planes_of(a, options), planes_of(b, options)};
}

} // namespace detail
} // namespace fovea
