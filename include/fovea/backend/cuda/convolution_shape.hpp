// Describes a convolution to a vendor's library: dense tensors and their zero padding, for the part of an image that a
// call computes. This header does not need CUDA, so that the description can be tested without it.
#pragma once
#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fovea/core/error.hpp"
#include "fovea/ops/kernel.hpp"

namespace fovea {

// What a library computes. Tensors have the names of the forward pass throughout:
//   values            y = f(conv(x, w) + b) + skip
//   input_gradient    x = gradient of x from that of y, + skip, which has the shape of x
//   weight_gradient   w = gradient of w from that of y
enum class convolution_pass { values, input_gradient, weight_gradient };

// The role of the activation f:
//   applied          y as above
//   kept             y as above, and `before` = conv(x, w) + b is written, too, for the backward pass
//   differentiated   the result of a gradient is multiplied by f'(before); b, if present, becomes its sum over all
//                    pixels, the gradient of the bias in front of f
enum class activation_role { applied, kept, differentiated };

// w (O,K,K,I/groups) has the format of x; in a weight gradient, that of the plan. b (O) is float32.
struct convolution_shape {
    struct tensor {
        number_format format = number_format::float32;
        std::ptrdiff_t row_stride = 0, image_stride = 0; // in numbers; the numbers of a pixel are contiguous
        int alignment = 0;                               // of the first number, in bytes: a power of 2, at most 16
        auto operator<=>(const tensor&) const = default;
    };

    convolution_pass pass = convolution_pass::values;
    int batch = 1, height = 0, width = 0, inputs = 0; // rows and columns of x that exist
    int out_height = 0, out_width = 0, outputs = 0;
    int top = 0, bottom = 0, left = 0, right = 0; // rows and columns of zero padding
    int kernel = 1, stride = 1, dilation = 1, groups = 1;
    activation_kind activation = activation_kind::identity;
    activation_role role = activation_role::applied;
    float slope = 0; // factor of leaky_relu below zero
    bool bias = false, skips = false;
    tensor x, y, skip, before;
    auto operator<=>(const convolution_shape&) const = default;

    // A key that is equal exactly for equal shapes.
    std::string name() const {
        const auto of = [](const tensor& t) {
            return text_of(int(t.format), ',', t.row_stride, ',', t.image_stride, ',', t.alignment);
        };
        return text_of(int(pass), ": ", batch, 'x', height, 'x', width, 'x', inputs, " to ", out_height, 'x', out_width,
                       'x', outputs, ", zeros ", top, ',', bottom, ',', left, ',', right, ", kernel ", kernel, ',',
                       stride, ',', dilation, ',', groups, ", then ", int(activation), ',', int(role), ',',
                       std::bit_cast<std::uint32_t>(slope), ',', bias, ',', skips, ", tensors ", of(x), ' ', of(y), ' ',
                       of(skip), ' ', of(before));
    }
};

struct library_convolution {
    convolution_shape shape;
    // Pointers to the first numbers; b, skip and before may be null.
    std::byte *x = nullptr, *w = nullptr, *b = nullptr, *skip = nullptr, *y = nullptr, *before = nullptr;
};

// The formats in which a library may read or write w. A weight gradient of 16-bit tensors may be rounded to 16 bits or
// float32, whichever is faster.
inline std::vector<number_format> formats_of_filters(const convolution_shape& s) {
    if (s.pass != convolution_pass::weight_gradient || s.x.format == number_format::float32) return {s.x.format};
    return {s.x.format, number_format::float32};
}

// How a library computes all convolutions of a shape.
class convolution_plan {
  public:
    virtual ~convolution_plan() = default;
    virtual void run(const library_convolution&) const = 0; // puts it into the device's queue
    virtual number_format filters() const = 0;              // format of w
};

namespace detail {

// The rows (or columns) of an image that a convolution reads, and the zero padding before and after them.
struct read_part {
    range there;
    int before, after;
    read_part(const attributes& a, range out, int extent) {
        const int reach = a.kernel / 2 * a.dilation;
        const range all{out.begin * a.stride + a.offset - reach, (out.end - 1) * a.stride + a.offset + reach + 1};
        there = all.clip(extent), before = there.begin - all.begin, after = all.end - there.end;
    }
};

inline int alignment_of(const void* p) {
    const auto bits = reinterpret_cast<std::uintptr_t>(p) | 16;
    return int(bits & (~bits + 1));
}
inline std::byte* pixel_of(const window& w, int n, int y, int x) {
    return w.data + (n * w.image_stride + (y % w.stored) * w.row_stride + std::ptrdiff_t(x - w.left) * w.channels) *
                        std::ptrdiff_t(bytes_of(w.format));
}
inline convolution_shape::tensor tensor_of(const window& w, const std::byte* first) {
    return {w.format, w.row_stride, w.image_stride, alignment_of(first)};
}

} // namespace detail

// Describes a call for the library. Returns nothing if the window's ring wraps around within the rows, or if only
// padding would be read.
inline std::optional<library_convolution> library_convolution_of(const call& c) {
    const window &x = c.x[0], &skip = c.x[1];
    const detail::read_part rows(c.a, c.rows, x.height), cols(c.a, c.cols, x.width);
    const auto in_order = [](const window& w, range r) { return r.begin % w.stored + r.size() <= w.stored; };
    if (rows.there.empty() || cols.there.empty() || !in_order(x, rows.there) || !in_order(c.y, c.rows) ||
        (skip && !in_order(skip, c.rows)))
        return {};
    const auto unchecked = [](const void* p) { return static_cast<std::byte*>(const_cast<void*>(p)); };
    const int n = c.images.begin;
    library_convolution l;
    l.x = detail::pixel_of(x, n, rows.there.begin, cols.there.begin);
    l.y = detail::pixel_of(c.y, n, c.rows.begin, c.cols.begin);
    l.w = unchecked(c.w[0]), l.b = unchecked(c.w[1]);
    if (skip) l.skip = detail::pixel_of(skip, n, c.rows.begin, c.cols.begin);
    l.shape = {.batch = c.images.size(),
               .height = rows.there.size(),
               .width = cols.there.size(),
               .inputs = x.channels,
               .out_height = c.rows.size(),
               .out_width = c.cols.size(),
               .outputs = c.y.channels,
               .top = rows.before,
               .bottom = rows.after,
               .left = cols.before,
               .right = cols.after,
               .kernel = c.a.kernel,
               .stride = c.a.stride,
               .dilation = c.a.dilation,
               .groups = c.a.groups,
               .activation = c.a.activation,
               .slope = c.a.activation == activation_kind::leaky_relu ? c.a.slope : 0,
               .bias = l.b != nullptr,
               .skips = l.skip != nullptr,
               .x = detail::tensor_of(x, l.x),
               .y = detail::tensor_of(c.y, l.y),
               .skip = skip ? detail::tensor_of(skip, l.skip) : convolution_shape::tensor{},
               .before = {}};
    return l;
}

} // namespace fovea
