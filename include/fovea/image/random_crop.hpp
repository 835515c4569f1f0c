// Random parts of pictures.
//
//   plain      a rectangle of a given size, every position equally likely
//   resized    a rectangle of random area and aspect, which is then resized to a given size; as deep-learning
//   frameworks
//              define it: area a H W and aspect r, a uniform, log r uniform; sides round(sqrt(a H W r)) and
//              round(sqrt(a H W / r)); ten tries to fit into the picture, then the largest central part of an allowed
//              aspect
#pragma once
#include <algorithm>
#include <cmath>

#include "fovea/core/random.hpp"
#include "fovea/image/crop.hpp"

namespace fovea {

struct crop_box {
    int y = 0, x = 0, height = 0, width = 0; // in pixels, from the top left corner
    bool operator==(const crop_box&) const = default;
};

inline image crop(const image& in, const crop_box& box) { return crop(in, box.y, box.x, box.height, box.width); }

// Of a picture that is at least as large as the part.
inline crop_box random_crop(int picture_height, int picture_width, int height, int width, random_stream& random) {
    const int y = random.below(picture_height - height + 1);
    return {y, random.below(picture_width - width + 1), height, width};
}

struct resized_crop_options {
    float least_area = 0.08f, most_area = 1;             // of the picture's
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
        const int width = int(std::nearbyint(std::sqrt(wanted * aspect))); // halves to even
        const int height = int(std::nearbyint(std::sqrt(wanted / aspect)));
        if (width >= 1 && width <= picture_width && height >= 1 && height <= picture_height)
            return random_crop(picture_height, picture_width, height, width, random);
    }
    return detail::central_crop(picture_height, picture_width, o);
}

} // namespace fovea
