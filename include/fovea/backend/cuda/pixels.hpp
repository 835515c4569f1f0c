// Conversion between image samples and network values on a GPU, as ops/pixels.hpp does it on the host.
#pragma once
#include <cmath>
#include <cstdint>

#include "fovea/backend/cuda/view.hpp"
#include "fovea/image/colour_space.hpp"
#include "fovea/image/samples_view.hpp"
#include "fovea/ops/pixels.hpp"

namespace fovea {

// Dense samples (N,H,W,C) in device memory; only the first `colours` channels are used.
struct device_samples {
    std::byte* data = nullptr;
    sample_type type = sample_type::f32;
    int height = 0, width = 0, channels = 0, colours = 0;

    template <class Byte>
    device_samples(std::byte* at, const samples_view<Byte>& like)
        : data(at),
          type(like.type),
          height(like.height),
          width(like.width),
          channels(like.channels),
          colours(like.colours) {}

    bool operator==(const device_samples&) const = default;

    FOVEA_HOST_DEVICE std::ptrdiff_t index(pixel_position p) const { // index of the pixel's first sample
        return ((std::ptrdiff_t(p.image) * height + p.row) * width + p.column) * channels;
    }
    FOVEA_HOST_DEVICE float load(std::ptrdiff_t i) const {
        return type == sample_type::u8    ? float(reinterpret_cast<const std::uint8_t*>(data)[i])
               : type == sample_type::u16 ? float(reinterpret_cast<const std::uint16_t*>(data)[i])
                                          : reinterpret_cast<const float*>(data)[i];
    }
    // Stores a fraction of white; integers are clamped and rounded half up, NaN becomes 0.
    FOVEA_HOST_DEVICE void store(std::ptrdiff_t i, float v) const {
        const float unit = v > 0 ? fminf(v, 1) : 0;
        if (type == sample_type::u8)
            reinterpret_cast<std::uint8_t*>(data)[i] = std::uint8_t(unit * 255 + 0.5f);
        else if (type == sample_type::u16)
            reinterpret_cast<std::uint16_t*>(data)[i] = std::uint16_t(unit * 65535 + 0.5f);
        else
            reinterpret_cast<float*>(data)[i] = v;
    }
};

// Computes the network's input; a gray image fills all channels.
struct load_samples {
    device_samples from;
    device_view to; // (N,H,W,C)
    colour_space colours;
    float low, span, scale; // scale: from samples to the range, or to 0..1 if colours are converted

    load_samples(const device_samples& s, const window& w, pixel_values v)
        : from(s),
          to(w),
          colours(v.colours),
          low(v.range.low),
          span(v.range.high - v.range.low),
          scale((v.colours == colour_space::rgb ? span : 1) / white_of(s.type)) {}
    FOVEA_HOST_DEVICE void operator()(pixel_position p, int c) const {
        const std::ptrdiff_t at = from.index(p);
        const int step = from.colours == 1 ? 0 : 1;
        to.put(p, c,
               colours == colour_space::rgb
                   ? low + scale * from.load(at + step * c)
                   : low + span * detail::from_rgb(colours, {{scale * from.load(at), scale * from.load(at + step),
                                                              scale * from.load(at + 2 * step)}})
                                      .select(c));
    }
};

// Receives the values of a pixel one after the other; a gray image gets their mean.
class store_samples {
  public:
    store_samples(const device_samples& s, pixel_values v, int channels, int* not_finite)
        : to_(s),
          channels_(channels),
          colours_(v.colours),
          low_(v.range.low),
          scale_(1 / (v.range.high - v.range.low)),
          not_finite_(not_finite) {}

    template <class Value> FOVEA_HOST_DEVICE void operator()(pixel_position p, Value value) const {
        if (colours_ == colour_space::rgb) return put(p, [&](int c) { return unit(value(c)); });
        detail::colour_values of_pixel{};
        for (int c = 0; c < 3; ++c) of_pixel.assign(c, unit(value(c)));
        of_pixel = detail::to_rgb(colours_, of_pixel);
        put(p, [&](int c) { return of_pixel.select(c); });
    }

  private:
    FOVEA_HOST_DEVICE float unit(float value) const { // returns a fraction of the range
        const float u = (value - low_) * scale_;
        if (!(fabsf(u) < INFINITY)) *not_finite_ = 1; // a benign race: all threads write the same value
        return u;
    }
    template <class Sample> FOVEA_HOST_DEVICE void put(pixel_position p, Sample sample) const {
        const std::ptrdiff_t i = to_.index(p);
        float sum = 0;
        for (int c = 0; c < channels_; ++c) {
            const float s = sample(c);
            sum += s;
            if (to_.colours > 1) to_.store(i + c, s);
        }
        if (to_.colours == 1) to_.store(i, sum / float(channels_));
    }

    device_samples to_;
    int channels_;
    colour_space colours_;
    float low_, scale_;
    int* not_finite_;
};

} // namespace fovea
