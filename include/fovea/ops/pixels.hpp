// Conversion between the samples of an image and the values that a network computes with.
#pragma once
#include <cmath>
#include <cstdint>

#include "fovea/image/colour_space.hpp"
#include "fovea/image/convert.hpp"
#include "fovea/ops/kernel.hpp"

namespace fovea {

// The values that a network expects for black and white.
struct value_range {
    float low = 0, high = 1;
    constexpr bool operator==(const value_range&) const = default;
};

// Meaning of a network's three channels: a colour space whose range 0...1 is mapped to range.low...range.high.
struct pixel_values {
    value_range range{};
    colour_space colours = colour_space::rgb;
    constexpr bool operator==(const pixel_values&) const = default;
};

namespace detail {

// Converts the columns `cols` of a row of samples, (W,step), to the network's input `to`, (columns,3). A gray image
// (step 1, or 2 with alpha) fills all three channels. Alpha is ignored.
template <class T> void load_row(const T* in, int step, pixel_values v, range cols, float* to) {
    const int green = step < 3 ? 0 : 1;
    const bool converts = v.colours != colour_space::rgb;
    const value_range r = converts ? value_range{} : v.range;
    const float scale = (r.high - r.low) / white_of(sample_type_of<T>);
    for (int x = cols.begin; x < cols.end; ++x, to += 3) {
        const T* pixel = in + std::ptrdiff_t(x) * step;
        for (int c = 0; c < 3; ++c) to[c] = r.low + scale * float(pixel[c * green]);
        if (!converts) continue;
        from_rgb(v.colours, {to, 3});
        for (int c = 0; c < 3; ++c) to[c] = v.range.low + (v.range.high - v.range.low) * to[c];
    }
}

// Converts a row of the network's output `from`, (columns,3), to samples; returns false if a value is not finite. A
// gray image gets the mean of the three channels. Alpha is left as it is.
template <class T> bool store_row(T* out, int step, pixel_values v, range cols, const float* from) {
    const bool gray = step < 3;
    const float scale = 1 / (v.range.high - v.range.low);
    float checked = 0;
    for (int x = cols.begin; x < cols.end; ++x, from += 3) {
        T* pixel = out + std::ptrdiff_t(x) * step;
        float unit[3];
        for (int c = 0; c < 3; ++c) {
            unit[c] = (from[c] - v.range.low) * scale;
            checked += unit[c] * 0.f; // becomes NaN once any value is not finite, and stays so
        }
        to_rgb(v.colours, unit);
        if (gray)
            pixel[0] = sample_of<T>((unit[0] + unit[1] + unit[2]) / 3.f);
        else
            for (int c = 0; c < 3; ++c) pixel[c] = sample_of<T>(unit[c]);
    }
    return checked == 0;
}

} // namespace detail
} // namespace fovea
