// Random crops of pictures.
//
//   random_crop           a rectangle of a given size, every position equally likely
//   random_resized_crop   a rectangle of random area and aspect ratio, as torchvision defines it: area a H W and
//                         aspect r, with a and log r uniform; sides round(sqrt(a H W r)) and round(sqrt(a H W / r));
//                         after ten tries that do not fit, the largest central part of an allowed aspect ratio
#pragma once
#include <algorithm>
#include <cmath>

#include "fovea/core/random.hpp"
#include "fovea/image/crop.hpp"

namespace fovea {

// A rectangle in a picture.
struct crop_box {
    int y = 0, x = 0, height = 0, width = 0; // in pixels, from the top left corner
    bool operator==(const crop_box&) const = default;
};

// Cuts a rectangle out of a picture. Throws if it is not inside.
inline image crop(const image& in, const crop_box& box) { return crop(in, box.y, box.x, box.height, box.width); }

// The picture must be at least as large as the crop.
inline crop_box random_crop(int picture_height, int picture_width, int height, int width, random_stream& random) {
    const int y = random.below(picture_height - height + 1);
    return {y, random.below(picture_width - width + 1), height, width};
}

// Ranges of area and aspect ratio of random_resized_crop().
struct resized_crop_options {
    float least_area = 0.08f, most_area = 1;             // as shares of the picture's area
    float least_aspect = 3 / 4.f, most_aspect = 4 / 3.f; // width / height
};

namespace detail {

// The largest central part whose aspect is allowed.
inline crop_box central_crop(int picture_height, int picture_width, const resized_crop_options& o) {
    const double aspect = double(picture_width) / picture_height;
    int height = picture_height, width = picture_width;
    if (aspect < double(o.least_aspect)) height = std::max(int(std::nearbyint(width / double(o.least_aspect))), 1);
    if (aspect > double(o.most_aspect)) width = std::max(int(std::nearbyint(height * double(o.most_aspect))), 1);
    return {(picture_height - height) / 2, (picture_width - width) / 2, height, width};
}

} // namespace detail

inline crop_box random_resized_crop(int picture_height, int picture_width, const resized_crop_options& o,
                                    random_stream& random) {
    const double area = double(picture_height) * picture_width;
    const float low = std::log(o.least_aspect), high = std::log(o.most_aspect);
    for (int attempt = 0; attempt < 10; ++attempt) {
        const double wanted = area * double(random.uniform(o.least_area, o.most_area));
        const double aspect = double(std::exp(random.uniform(low, high)));
        const int width = int(std::nearbyint(std::sqrt(wanted * aspect))); // ties are rounded to even
        const int height = int(std::nearbyint(std::sqrt(wanted / aspect)));
        if (width >= 1 && width <= picture_width && height >= 1 && height <= picture_height)
            return random_crop(picture_height, picture_width, height, width, random);
    }
    return detail::central_crop(picture_height, picture_width, o);
}

} // namespace fovea
