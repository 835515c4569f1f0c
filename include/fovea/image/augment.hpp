// Augmentation of training pictures: random crops, mirroring, rotation, brightness and colour jitter.
//
// A draw takes random numbers in this order: crop, mirroring, rotation, brightness, jitter; what is switched off takes
// none. The recipes are the constants below.
#pragma once
#include <cstddef>
#include <optional>
#include <string_view>

#include "fovea/image/colour_jitter.hpp"
#include "fovea/image/orientation.hpp"
#include "fovea/image/random_crop.hpp"

namespace fovea {

// With this probability all samples are multiplied by a factor from [low, high) and clamped to 0..1.
struct brightness_options {
    float low = 1, high = 1, probability = 0;
};

// What is varied at random in every sample, in pixels and probabilities.
struct augmentation {
    int size = 192;                                // height and width of the crop, in pixels of the high resolution
    std::optional<resized_crop_options> resized{}; // a crop of random size, resized to `size`; none: a crop of `size`
    float mirror = 0.5f;                           // probability of a left-right mirroring
    float turn = 0.75f; // probability of a rotation by 90, 180 or 270 degrees, equally likely
    brightness_options brightness{};
    jitter_options jitter{};
};

// The recipe of the built-in x2 and x4 networks and of VapSR's paper: each crop in all eight orientations, equally
// likely.
inline constexpr augmentation dihedral_augmentation{};
// The recipe with which the published VapSR x2 was trained.
inline constexpr augmentation vapsr_augmentation{
    .size = 256, .mirror = 0.4f, .turn = 0.5f, .brightness = {.low = 0.5f, .high = 1.2f, .probability = 0.2f}};
// The recipe of SuperCool's pretraining.
inline constexpr augmentation supercool_augmentation{
    .size = 256, .resized = resized_crop_options{}, .mirror = 0.5f, .turn = 0, .jitter = {0.1f, 0.1f, 0.1f, 0.1f}};

// Throws at the first option that is out of range; the message names it.
inline void check(const augmentation& a) {
    const auto expect = [](bool good, std::string_view option, auto value, std::string_view expected) {
        if (!good) fail("augmentation: ", option, " ", value, ": expected ", expected);
    };
    const auto is_probability = [](float p) { return p >= 0 && p <= 1; };
    expect(a.size >= 1, "size", a.size, "at least 1 pixel");
    if (a.resized) {
        const auto& r = *a.resized;
        expect(r.least_area > 0 && r.least_area <= r.most_area, "least area", r.least_area, "0 < least <= most");
        expect(r.most_area <= 1, "most area", r.most_area, "at most 1, the whole picture");
        expect(r.least_aspect > 0 && r.least_aspect <= r.most_aspect, "least aspect", r.least_aspect,
               "0 < least <= most");
    }
    expect(is_probability(a.mirror), "mirror", a.mirror, "a probability, 0 to 1");
    expect(is_probability(a.turn), "turn", a.turn, "a probability, 0 to 1");
    expect(is_probability(a.brightness.probability), "brightness probability", a.brightness.probability, "0 to 1");
    expect(a.brightness.low >= 0 && a.brightness.low <= a.brightness.high, "brightness", a.brightness.low,
           "0 <= low <= high");
    expect(a.jitter.brightness >= 0, "brightness jitter", a.jitter.brightness, "at least 0");
    expect(a.jitter.contrast >= 0, "contrast jitter", a.jitter.contrast, "at least 0");
    expect(a.jitter.saturation >= 0, "saturation jitter", a.jitter.saturation, "at least 0");
    expect(a.jitter.hue >= 0 && a.jitter.hue <= 0.5f, "hue jitter", a.jitter.hue, "0 to 0.5");
}

// Draws one of the eight orientations as an EXIF number, the argument of upright(): mirroring first, then a clockwise
// rotation.
inline int random_orientation(const augmentation& a, random_stream& random) {
    constexpr int orientations[2][4] = {{1, 6, 3, 8}, {2, 7, 4, 5}}; // [mirrored][quarter turns]
    const bool mirrored = a.mirror > 0 && random.uniform() < a.mirror;
    const bool turned = a.turn > 0 && random.uniform() < a.turn;
    return orientations[mirrored][turned ? 1 + random.below(3) : 0];
}

// Draws the brightness factor; 1 leaves the picture as it is.
inline float random_brightness(const brightness_options& o, random_stream& random) {
    if (o.probability <= 0 || random.uniform() >= o.probability) return 1;
    return random.uniform(o.low, o.high);
}

} // namespace fovea
