// Makes a training sample: a crop of a picture and the same crop in low resolution.
//
// If the low resolution exists as a picture (given, or made once from the whole picture by MATLAB's bicubic), both
// crops are cut at the same place, on the pixel grid of the low resolution. Otherwise the low resolution is made from
// the finished crop, by the antialiased bicubic of training pipelines. Samples are clamped to 0..1 at once, as in
// pipelines with 8-bit pictures, because the inputs of the trained network will not overshoot either.
#pragma once
#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

#include "fovea/data/picture_cache.hpp"
#include "fovea/image/augment.hpp"
#include "fovea/image/colour_space.hpp"
#include "fovea/image/convert.hpp"
#include "fovea/image/resize_pillow.hpp"

namespace fovea {

// How low resolution is made where none is given.
enum class degradation_kind {
    matlab,    // the whole picture is shrunk once, as for test sets and published networks
    antialias, // every crop is shrunk separately, after augmentation
};

// How samples are made of pictures. augmentation::size must be a multiple of `scale`.
struct sample_options {
    int scale = 2;
    degradation_kind degradation = degradation_kind::matlab; // used if no low resolution is given
    augmentation augment{};
    colour_space colours = colour_space::rgb;
};

// An input of the network and the output that it should have, both in the colour space of the options.
struct training_sample {
    image input;  // (size/scale,size/scale,3), f32
    image target; // (size,size,3), f32
};

// Throws if the options are inconsistent. `paired`: the low resolution is a picture, not made from the crop.
inline void check(const sample_options& o, bool paired) {
    check(o.augment);
    if (o.scale < 1 || o.augment.size % o.scale != 0)
        fail("augmentation: size ", o.augment.size, ": expected a multiple of the scale, ", o.scale);
    if (paired && o.augment.resized)
        fail(
            "augmentation: a resized crop needs an input made of it: expected the degradation `antialias`, and no "
            "pairs");
    if (paired && o.augment.jitter != jitter_options{})
        fail(
            "augmentation: colour jitter needs an input made after it: expected the degradation `antialias`, and no "
            "pairs");
}

namespace detail {

inline image in_unit_range(image in) {
    for (int y = 0; y < in.height(); ++y)
        for (float& v : in.row<float>(y)) v = std::clamp(v, 0.f, 1.f);
    return in;
}

// Resizes with antialiasing to a square; f32.
inline image resize_part(const image& in, int side) {
    return in_unit_range(resize_pillow(with_type(in, sample_type::f32), side, side));
}

// Cuts the same random part out of both; `input` is empty if the picture has no low resolution.
inline training_sample random_part(const picture_pair& whole, const sample_options& o, random_stream& random) {
    const augmentation& a = o.augment;
    const int height = whole.high.height(), width = whole.high.width();
    if (!whole.low.empty()) {
        const int side = a.size / o.scale;
        const crop_box low = random_crop(whole.low.height(), whole.low.width(), side, side, random);
        return {crop(whole.low, low), crop(whole.high, low.y * o.scale, low.x * o.scale, a.size, a.size)};
    }
    if (!a.resized) return {{}, crop(whole.high, random_crop(height, width, a.size, a.size, random))};
    return {{}, resize_part(crop(whole.high, random_resized_crop(height, width, *a.resized, random)), a.size)};
}

inline void to_colour_space(image& in, colour_space space) {
    from_rgb(space, {reinterpret_cast<float*>(in.data()), in.row<float>(0).size() * std::size_t(in.height())});
}

} // namespace detail

// Makes a sample of a picture with random numbers from the stream. The picture must be at least as large as the crop;
// the sides of a low resolution must be those of the high one divided by the scale.
inline training_sample make_sample(const picture_pair& whole, const sample_options& o, random_stream& random) {
    training_sample s = detail::random_part(whole, o, random);
    const bool paired = !s.input.empty();
    const int orientation = random_orientation(o.augment, random);
    const float brightness = random_brightness(o.augment.brightness, random);
    const auto vary = [&](image part) {
        part = with_type(upright(std::move(part), orientation), sample_type::f32);
        return brightness == 1 ? part : adjust_brightness(std::move(part), brightness);
    };
    s.target = vary(std::move(s.target));
    if (paired) {
        s.input = vary(std::move(s.input));
    } else {
        if (o.augment.jitter != jitter_options{})
            s.target = with_jitter(std::move(s.target), random_jitter(o.augment.jitter, random));
        s.input = detail::resize_part(s.target, o.augment.size / o.scale);
    }
    detail::to_colour_space(s.input, o.colours);
    detail::to_colour_space(s.target, o.colours);
    return s;
}

} // namespace fovea
