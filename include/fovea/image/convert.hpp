// Conversion between sample types (8 bits, 16 bits, float) and between channel counts (gray, RGB, with and without
// alpha).
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "fovea/image/image.hpp"

namespace fovea {

namespace detail {

// A sample of type T as a fraction of white. Floats are fractions already.
template <class T> float fraction_of(T v) {
    return std::is_same_v<T, float> ? float(v) : float(v) / white_of(sample_type_of<T>);
}

// A fraction v of white as a sample of type T. Integers are clamped and rounded half up; NaN becomes 0. Floats stay.
template <class T> T sample_of(float v) {
    if constexpr (std::is_same_v<T, float>)
        return v;
    else
        return T(v > 0 ? std::min(v, 1.f) * white_of(sample_type_of<T>) + 0.5f : 0.f);
}

// Calls f(T{}), where T is the C++ type of the sample type.
template <class Function> decltype(auto) with_samples_of(sample_type type, Function&& f) {
    switch (type) {
        case sample_type::u8:
            return f(std::uint8_t{});
        case sample_type::u16:
            return f(std::uint16_t{});
        case sample_type::f32:
            break;
    }
    return f(float{});
}

} // namespace detail

// Returns the picture in another sample type. From 8 to 16 bits and back is exact.
inline image with_type(const image& in, sample_type type) {
    if (in.type() == type) return in;
    image out(in.height(), in.width(), in.channels(), type);
    out.take_metadata_of(in);
    detail::with_samples_of(in.type(), [&](auto from) {
        detail::with_samples_of(type, [&](auto to) {
            for (int y = 0; y < in.height(); ++y)
                std::ranges::transform(in.row<decltype(from)>(y), out.row<decltype(to)>(y).begin(),
                                       [](auto v) { return detail::sample_of<decltype(to)>(detail::fraction_of(v)); });
        });
    });
    return out;
}

// Returns the picture with 1 to 4 channels. Gray becomes RGB of three equal values; added alpha is opaque; removed
// alpha is lost. Throws for RGB to gray, because that needs a choice of weights (colour.hpp).
inline image with_channels(const image& in, int channels) {
    if (in.channels() == channels) return in;
    image out(in.height(), in.width(), channels, in.type());
    out.take_metadata_of(in);
    if (in.colours() == 3 && out.colours() == 1)
        fail("with_channels: ", in.channels(), " to ", channels, " channels: RGB has no one gray");
    const std::size_t from = std::size_t(in.channels()), to = std::size_t(channels),
                      colours = std::size_t(out.colours());
    detail::with_samples_of(in.type(), [&](auto sample) {
        using T = decltype(sample);
        for (int y = 0; y < in.height(); ++y) {
            const auto x = in.row<T>(y);
            const auto z = out.row<T>(y);
            for (std::size_t i = 0; i < std::size_t(in.width()); ++i) {
                for (std::size_t c = 0; c < colours; ++c) z[to * i + c] = x[from * i + (in.colours() == 3 ? c : 0)];
                if (out.has_alpha())
                    z[to * i + to - 1] = in.has_alpha() ? x[from * i + from - 1] : T(white_of(in.type()));
            }
        }
    });
    return out;
}

} // namespace fovea
