// Between the samples of an image and the values that a network sees.
#pragma once
#include <cmath>
#include <cstdint>

#include "fovea/graph/kernel.hpp"
#include "fovea/image/convert.hpp"

namespace fovea {

// The network's values for black and white.
struct value_range {
    float low = 0, high = 1;
    constexpr bool operator==(const value_range&) const = default;
};

namespace detail {

// Columns cols of a row of samples, (W,`step`), into the network's input; a gray image (step 1, or 2 with alpha) fills
// all channels. Alpha is left aside.
template <class T> void load_row(const T* in, int step, value_range r, range cols, float* to, int channels) {
    const bool gray = step < 3;
    const float scale = (r.high - r.low) / white_of(sample_type_of<T>);
    for (int x = cols.begin; x < cols.end; ++x, to += channels)
        for (int c = 0; c < channels; ++c) to[c] = r.low + scale * float(in[std::ptrdiff_t(x) * step + (gray ? 0 : c)]);
}

// A row of samples from the network's output; false when a value is not finite. Gray images get the mean of the
// channels. Alpha stays as it is.
template <class T> bool store_row(T* out, int step, value_range r, range cols, const float* from, int channels) {
    const bool gray = step < 3;
    const float scale = 1 / (r.high - r.low);
    float checked = 0;
    for (int x = cols.begin; x < cols.end; ++x, from += channels) {
        T* pixel = out + std::ptrdiff_t(x) * step;
        float sum = 0;
        for (int c = 0; c < channels; ++c) {
            const float unit = (from[c] - r.low) * scale;
            checked += unit * 0.f; // NaN once any value is not finite
            sum += unit;
            if (!gray) pixel[c] = sample_of<T>(unit);
        }
        if (gray) pixel[0] = sample_of<T>(sum / float(channels));
    }
    return checked == 0;
}

} // namespace detail
} // namespace fovea
