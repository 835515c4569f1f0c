// Changes of brightness, contrast, saturation and hue, as torchvision defines them for floats:
//
//   gray(p)      0.2989 R + 0.587 G + 0.114 B
//   brightness   f x
//   contrast     f x + (1 - f) mean of gray over the picture
//   saturation   f x + (1 - f) gray(x)
//   hue          in HSV (Smith 1978), h + f modulo a whole turn
//
// The first three are clamped to 0..1. Pictures are (H,W,3), f32, 0..1; others are an error. The factor 1 (hue: 0)
// changes nothing.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <utility>

#include "fovea/core/random.hpp"
#include "fovea/image/image.hpp"

namespace fovea {

namespace detail {

// Calls f(p) for the three floats p of every pixel. Throws if the picture is not RGB of floats; `caller` names the
// function in the error.
template <class F> void for_rgb_pixels(const char* caller, image& in, F&& f) {
    if (in.channels() != 3 || in.type() != sample_type::f32)
        fail(caller, ": ", in.channels(), " channels of ", size_of(in.type()), " bytes: expected RGB of floats");
    for (int y = 0; y < in.height(); ++y)
        for (auto row = in.row<float>(y); !row.empty(); row = row.subspan(3)) f(row.data());
}

inline float jitter_gray(const float* p) { return 0.2989f * p[0] + 0.587f * p[1] + 0.114f * p[2]; }

inline void blend(float* p, float other, float factor) {
    for (int c = 0; c < 3; ++c) p[c] = std::clamp(factor * p[c] + (1 - factor) * other, 0.f, 1.f);
}

// Adds `shift`, a fraction of a turn, to the hue; saturation and value stay.
inline void shift_hue(float* p, float shift) {
    const float high = std::max({p[0], p[1], p[2]}), low = std::min({p[0], p[1], p[2]}), span = high - low;
    if (span == 0) return; // gray has no hue
    const int largest = p[0] == high ? 0 : p[1] == high ? 1 : 2;
    const float sixths = 2 * float(largest) + (p[(largest + 1) % 3] - p[(largest + 2) % 3]) / span;
    float hue = sixths / 6 + shift;
    hue = 6 * (hue - std::floor(hue));
    const int sector = std::min(int(hue), 5);
    const float part = hue - float(sector);
    // Towards the next primary colour the second channel rises in even sectors, and the first falls in odd ones.
    const float middle = sector % 2 == 0 ? low + span * part : high - span * part;
    const int top = (sector + 1) / 2 % 3, bottom = (sector / 2 + 2) % 3;
    p[top] = high;
    p[bottom] = low;
    p[3 - top - bottom] = middle;
}

} // namespace detail

// Multiplies by `factor`, at least 0.
inline image adjust_brightness(image in, float factor) {
    detail::for_rgb_pixels("adjust_brightness", in, [&](float* p) { detail::blend(p, 0, factor); });
    return in;
}

// Moves every sample towards the mean grey of the picture (factor < 1) or away from it (factor > 1).
inline image adjust_contrast(image in, float factor) {
    double sum = 0;
    detail::for_rgb_pixels("adjust_contrast", in, [&](float* p) { sum += double(detail::jitter_gray(p)); });
    const float mean = float(sum / in.height() / in.width());
    detail::for_rgb_pixels("adjust_contrast", in, [&](float* p) { detail::blend(p, mean, factor); });
    return in;
}

// Moves every pixel towards its own grey (factor < 1) or away from it (factor > 1).
inline image adjust_saturation(image in, float factor) {
    detail::for_rgb_pixels("adjust_saturation", in,
                           [&](float* p) { detail::blend(p, detail::jitter_gray(p), factor); });
    return in;
}

// Turns the hue by `turn` whole turns; saturation and value stay.
inline image adjust_hue(image in, float turn) {
    detail::for_rgb_pixels("adjust_hue", in, [&](float* p) { detail::shift_hue(p, turn); });
    return in;
}

// The largest deviations from the neutral factor; 0 leaves a property alone. Hue: at most 0.5, half a turn.
struct jitter_options {
    float brightness = 0, contrast = 0, saturation = 0, hue = 0;
    bool operator==(const jitter_options&) const = default;
};

// One draw: the factors of brightness, contrast, saturation and hue (indices 0 to 3), and the order of application.
struct jitter {
    std::array<int, 4> order{0, 1, 2, 3};
    std::array<float, 4> factor{1, 1, 1, 0};
};

// Draws a jitter: the order first, then the factors whose option is above 0.
inline jitter random_jitter(const jitter_options& o, random_stream& random) {
    jitter j;
    shuffle(j.order, random);
    const std::array<float, 3> around_one{o.brightness, o.contrast, o.saturation};
    for (std::size_t i = 0; i < 3; ++i)
        if (around_one[i] > 0) j.factor[i] = random.uniform(std::max(1 - around_one[i], 0.f), 1 + around_one[i]);
    if (o.hue > 0) j.factor[3] = random.uniform(-o.hue, o.hue);
    return j;
}

// Applies the four changes of `j` in its order. Throws if the picture is not RGB of floats.
inline image with_jitter(image in, const jitter& j) {
    constexpr std::array adjust{adjust_brightness, adjust_contrast, adjust_saturation, adjust_hue};
    for (const int i : j.order) {
        const float factor = j.factor[std::size_t(i)], neutral = i == 3 ? 0.f : 1.f;
        if (factor != neutral) in = adjust[std::size_t(i)](std::move(in), factor);
    }
    return in;
}

} // namespace fovea
