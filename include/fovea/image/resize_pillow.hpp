// Bicubic resizing as Pillow does it (and torchvision on 8-bit tensors): the resampler of most training pipelines.
//
//   k: Keys' kernel with a = -0.5; s = input size / output size; when shrinking, the kernel is stretched by s
//   output i (from 0) lies at u = (i + 0.5) s of the input; input pixel j has the weight k((j + 0.5 - u) / max(s, 1))
//   if its centre lies within the kernel's support; weights are normalised to sum 1 over the pixels of the image
//
// Rows are resized first, then columns, as Pillow does up to version 12 (13 takes the cheaper order, which gives other
// results only if the two sides are scaled differently).
//
//   8 bits    weights in fixed point with 22 fractional bits, sums in 32-bit integers, each pass rounded; bit-exact.
//             With alpha, colours are multiplied by it before and divided by it after, in Pillow's integer arithmetic
//   16 bits   sums in double, each pass rounded
//   floats    sums in double
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "fovea/core/interpolation.hpp"
#include "fovea/image/resize_matlab.hpp"
#include "fovea/image/taps.hpp"

namespace fovea {

namespace detail {

struct pillow_fixed_point {
    static constexpr int fraction_bits = 22;
    using accumulator = std::int32_t;
    static constexpr std::int32_t start = std::int32_t(1) << (fraction_bits - 1); // one half, so that the shift rounds
    template <class T> static T finish(std::int32_t sum) { return T(std::clamp(sum >> fraction_bits, 0, 255)); }
};

inline tap_table<double> pillow_taps(int inputs, int outputs) {
    const double s = double(inputs) / outputs, stretch = std::max(s, 1.), inverse = 1 / stretch, support = 2 * stretch;
    tap_table<double> table(outputs, int(std::ceil(support)) * 2 + 1);
    for (int i = 0; i < outputs; ++i) {
        const double u = (i + 0.5) * s;
        const int first = std::max(int(u - support + 0.5), 0), last = std::min(int(u + support + 0.5), inputs);
        double sum = 0;
        for (int k = 0; k < table.taps; ++k) {
            const bool inside = k < last - first; // taps behind the last weigh nothing
            const double weight = inside ? keys_kernel((k + first - u + 0.5) * inverse, matlab_cubic) : 0;
            table.weight[table.at(i, k)] = weight;
            table.index[table.at(i, k)] = inside ? first + k : first;
            sum += weight;
        }
        for (int k = 0; k < table.taps; ++k)
            if (sum != 0) table.weight[table.at(i, k)] /= sum;
    }
    return table;
}

inline tap_table<std::int32_t> in_fixed_point(const tap_table<double>& table) {
    tap_table<std::int32_t> out(table.outputs, table.taps);
    out.index = table.index;
    std::ranges::transform(table.weight, out.weight.begin(), [](double w) {
        const double scaled = w * (1 << pillow_fixed_point::fraction_bits);
        return std::int32_t(scaled < 0 ? scaled - 0.5 : scaled + 0.5); // ties are rounded away from zero
    });
    return out;
}

// Multiply colours by alpha / 255, rounded, and divide by it, rounded down; (H,W,2 or 4), u8, in place.
inline void multiply_by_alpha(image& in) {
    const std::size_t channels = std::size_t(in.channels()), colours = channels - 1;
    for (int y = 0; y < in.height(); ++y)
        for (auto row = in.row<std::uint8_t>(y); !row.empty(); row = row.subspan(channels))
            for (std::size_t c = 0; c < colours; ++c) {
                const unsigned product = unsigned(row[c]) * row[colours] + 128;
                row[c] = std::uint8_t((product + (product >> 8)) >> 8);
            }
}
inline void divide_by_alpha(image& in) {
    const std::size_t channels = std::size_t(in.channels()), colours = channels - 1;
    for (int y = 0; y < in.height(); ++y)
        for (auto row = in.row<std::uint8_t>(y); !row.empty(); row = row.subspan(channels))
            for (std::size_t c = 0; c < colours && row[colours] != 0; ++c)
                row[c] = std::uint8_t(std::min(255u * row[c] / row[colours], 255u));
}

// Runs the two passes; a pass that changes no size is skipped.
template <class Arithmetic, class T>
image pillow_passes(const image& in, const tap_table<typename Arithmetic::accumulator>& across,
                    const tap_table<typename Arithmetic::accumulator>& down) {
    if (across.outputs == in.width() && down.outputs == in.height()) return in;
    if (across.outputs == in.width()) return resample_columns<Arithmetic, T>(in, down);
    const image wide = resample_rows<Arithmetic, T>(in, across);
    return down.outputs == in.height() ? wide : resample_columns<Arithmetic, T>(wide, down);
}

} // namespace detail

// Resizes an image (H,W,C) of any sample type to (height,width,C). Throws if a size is not positive or the image is
// empty.
inline image resize_pillow(const image& in, int height, int width) {
    detail::check_target_size("resize_pillow", in, height, width);
    if (in.height() == height && in.width() == width) return in;
    const auto across = detail::pillow_taps(in.width(), width), down = detail::pillow_taps(in.height(), height);
    if (in.type() == sample_type::u16)
        return detail::pillow_passes<detail::matlab_arithmetic, std::uint16_t>(in, across, down);
    if (in.type() == sample_type::f32) return detail::pillow_passes<detail::matlab_arithmetic, float>(in, across, down);
    const auto fixed_across = detail::in_fixed_point(across), fixed_down = detail::in_fixed_point(down);
    using detail::pillow_fixed_point;
    if (!in.has_alpha()) return detail::pillow_passes<pillow_fixed_point, std::uint8_t>(in, fixed_across, fixed_down);
    image premultiplied = in;
    detail::multiply_by_alpha(premultiplied);
    image out = detail::pillow_passes<pillow_fixed_point, std::uint8_t>(premultiplied, fixed_across, fixed_down);
    detail::divide_by_alpha(out);
    return out;
}

} // namespace fovea
