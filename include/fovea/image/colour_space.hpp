// Colour spaces in which networks are trained, converted from and to gamma-encoded RGB in 0..1.
//
//   yuv     ITU-R BT.709, full range: Y = 0.2126 R + 0.7152 G + 0.0722 B in 0..1,
//           U = (B - Y) / 1.8556 and V = (R - Y) / 1.5748 in -0.5..0.5
//   oklab   Ottosson 2020: the sRGB curve undone (IEC 61966-2-1), then L in 0..1, a and b within -0.4..0.4
//
// The conversions to RGB accept any number, because networks may produce any: nothing is clamped, and the curves
// continue as odd functions.
#pragma once
#include <cmath>
#include <cstddef>
#include <span>
#include <string_view>

#include "fovea/core/error.hpp"

namespace fovea {

// The colour space of an image or of a network, as colour_space.hpp defines them.
enum class colour_space { rgb, yuv, oklab };

// Returns the colour space with this name: rgb, yuv or oklab. Throws for any other name.
inline colour_space colour_space_of(std::string_view name) {
    if (name == "rgb") return colour_space::rgb;
    if (name == "yuv") return colour_space::yuv;
    if (name == "oklab") return colour_space::oklab;
    fail("colour space '", name, "': expected rgb, yuv or oklab");
}

// Returns rgb, yuv or oklab.
constexpr const char* name_of(colour_space space) {
    return space == colour_space::yuv ? "yuv" : space == colour_space::oklab ? "oklab" : "rgb";
}

namespace detail {

struct colour_values {
    float v[3];
    FOVEA_HOST_DEVICE constexpr float& operator[](int i) { return v[i]; }
    FOVEA_HOST_DEVICE constexpr const float& operator[](int i) const { return v[i]; }
    // Access by an index that is not a compile-time constant, written so that the values stay in registers on a GPU.
    FOVEA_HOST_DEVICE constexpr float select(int i) const { return i == 0 ? v[0] : i == 1 ? v[1] : v[2]; }
    FOVEA_HOST_DEVICE constexpr void assign(int i, float value) {
        v[0] = i == 0 ? value : v[0], v[1] = i == 1 ? value : v[1], v[2] = i == 2 ? value : v[2];
    }
};
using colour_matrix = float[3][3];

FOVEA_HOST_DEVICE constexpr colour_values times(const colour_matrix& m, const colour_values& x) {
    colour_values y{};
    for (int i = 0; i < 3; ++i) y[i] = m[i][0] * x[0] + m[i][1] * x[1] + m[i][2] * x[2];
    return y;
}

FOVEA_HOST_DEVICE inline float srgb_to_linear(float v) {
    const float a = fabsf(v);
    return copysignf(a <= 0.04045f ? a / 12.92f : powf((a + 0.055f) / 1.055f, 2.4f), v);
}
FOVEA_HOST_DEVICE inline float linear_to_srgb(float v) {
    const float a = fabsf(v);
    return copysignf(a <= 0.0031308f ? 12.92f * a : 1.055f * powf(a, 1 / 2.4f) - 0.055f, v);
}

FOVEA_HOST_DEVICE constexpr colour_values rgb_to_yuv(const colour_values& p) {
    const float y = 0.2126f * p[0] + 0.7152f * p[1] + 0.0722f * p[2];
    return {y, (p[2] - y) / 1.8556f, (p[0] - y) / 1.5748f};
}
FOVEA_HOST_DEVICE constexpr colour_values yuv_to_rgb(const colour_values& p) {
    const float r = p[0] + 1.5748f * p[2], b = p[0] + 1.8556f * p[1];
    return {r, (p[0] - 0.2126f * r - 0.0722f * b) / 0.7152f, b};
}

// Linear RGB is mapped to the responses of the three cones, and their cube roots to Lab.
FOVEA_HOST_DEVICE inline colour_values rgb_to_oklab(colour_values p) {
    constexpr colour_matrix cones_of_rgb = {{0.4122214708f, 0.5363325363f, 0.0514459929f},
                                            {0.2119034982f, 0.6806995451f, 0.1073969566f},
                                            {0.0883024619f, 0.2817188376f, 0.6299787005f}};
    constexpr colour_matrix lab_of_roots = {{0.2104542553f, 0.7936177850f, -0.0040720468f},
                                            {1.9779984951f, -2.4285922050f, 0.4505937099f},
                                            {0.0259040371f, 0.7827717662f, -0.8086757660f}};
    for (float& v : p.v) v = srgb_to_linear(v);
    p = times(cones_of_rgb, p);
    for (float& v : p.v) v = cbrtf(v);
    return times(lab_of_roots, p);
}
FOVEA_HOST_DEVICE inline colour_values oklab_to_rgb(colour_values p) {
    constexpr colour_matrix roots_of_lab = {
        {1, 0.3963377774f, 0.2158037573f}, {1, -0.1055613458f, -0.0638541728f}, {1, -0.0894841775f, -1.2914855480f}};
    constexpr colour_matrix rgb_of_cones = {{4.0767416621f, -3.3077115913f, 0.2309699292f},
                                            {-1.2684380046f, 2.6097574011f, -0.3413193965f},
                                            {-0.0041960863f, -0.7034186147f, 1.7076147010f}};
    p = times(roots_of_lab, p);
    for (float& v : p.v) v = v * v * v;
    p = times(rgb_of_cones, p);
    for (float& v : p.v) v = linear_to_srgb(v);
    return p;
}

FOVEA_HOST_DEVICE inline colour_values from_rgb(colour_space space, const colour_values& p) {
    return space == colour_space::yuv ? rgb_to_yuv(p) : space == colour_space::oklab ? rgb_to_oklab(p) : p;
}
FOVEA_HOST_DEVICE inline colour_values to_rgb(colour_space space, const colour_values& p) {
    return space == colour_space::yuv ? yuv_to_rgb(p) : space == colour_space::oklab ? oklab_to_rgb(p) : p;
}

template <class F> void for_colours(std::span<float> pixels, F&& f) {
    if (pixels.size() % 3 != 0) fail("colour space: ", pixels.size(), " numbers: expected three for each pixel");
    for (std::size_t i = 0; i < pixels.size(); i += 3) {
        const colour_values z = f(colour_values{{pixels[i], pixels[i + 1], pixels[i + 2]}});
        for (std::size_t c = 0; c < 3; ++c) pixels[i + c] = z.v[c];
    }
}

} // namespace detail

// Converts RGB to `space` in place. `pixels` has three numbers for each pixel; any other count is an error.
inline void from_rgb(colour_space space, std::span<float> pixels) {
    if (space == colour_space::yuv) detail::for_colours(pixels, detail::rgb_to_yuv);
    if (space == colour_space::oklab) detail::for_colours(pixels, detail::rgb_to_oklab);
}

// Converts `space` to RGB in place; the inverse of from_rgb().
inline void to_rgb(colour_space space, std::span<float> pixels) {
    if (space == colour_space::yuv) detail::for_colours(pixels, detail::yuv_to_rgb);
    if (space == colour_space::oklab) detail::for_colours(pixels, detail::oklab_to_rgb);
}

} // namespace fovea
