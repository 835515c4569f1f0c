// Chooses the convolutions that a vendor's library computes instead of fovea's kernels: those whose numbers are rounded
// anyway, in 16 bits and TF32.
#pragma once
#include <vector>

#include "fovea/backend/cuda/convolution_shape.hpp"
#include "fovea/core/notice.hpp"
#include "fovea/graph/graph.hpp"

namespace fovea {

template <class Device>
concept has_library = requires(Device d, const library_convolution& l, const notice_function& say) {
    d.open_convolutions();
    d.find_convolution(l, say);
    d.save_convolutions(say);
};

struct planned_convolution {
    const convolution_plan* plan = nullptr; // null: fovea's own kernel computes it
    library_convolution of{};

    explicit operator bool() const { return plan != nullptr; }
    void run() const { plan->run(of); }
};

namespace detail {

// The gradient of the input of a convolution with stride 1, as a convolution with rotated filters.
inline call input_gradient_as_call(const gradient_call& g) {
    call c;
    c.a = g.a, c.a.offset = -g.a.offset;
    c.images = g.images, c.rows = g.rows, c.cols = g.cols;
    c.x[0] = g.dy, c.y = g.dx[0], c.w[0] = g.arranged;
    if (g.accumulates[0]) c.x[1] = g.dx[0];
    return c;
}

// Fuses a convolution over all pixels with the activation `a` that follows it and writes y. Returns nothing if the
// convolution has a skip, which would come between the two.
inline std::optional<library_convolution> with_activation(const call& c, const attributes& a, const window& y) {
    if (c.a.method != convolution_method::library || c.a.activation != activation_kind::identity || c.x[1]) return {};
    call activated = c;
    activated.a.activation = a.activation, activated.a.slope = a.slope;
    auto l = library_convolution_of(activated);
    if (!l) return {};
    convolution_shape& s = l->shape;
    s.role = activation_role::kept;
    l->before = std::exchange(l->y, pixel_of(y, c.images.begin, c.rows.begin, c.cols.begin));
    s.before = std::exchange(s.y, tensor_of(y, l->y));
    return l;
}
// Fuses the gradient of an input with that of the activation `a` of `before`, which computed this input, in place.
// sums: where the gradient of a bias in front of the activation is written, or null.
inline library_convolution with_slopes(library_convolution l, const attributes& a, const window& before,
                                       std::byte* sums) {
    convolution_shape& s = l.shape;
    s.role = activation_role::differentiated;
    s.activation = a.activation, s.slope = a.activation == activation_kind::leaky_relu ? a.slope : 0;
    l.before = pixel_of(before, 0, 0, 0), s.before = tensor_of(before, l.before);
    l.b = sums, s.bias = sums != nullptr;
    return l;
}

// Describes the forward pass over all of dy, from which gradients are derived. Returns nothing if x and dy have
// different formats.
inline std::optional<library_convolution> forward_of(const gradient_call& g, const attributes& forward, const window& x,
                                                     const void* filters) {
    if (forward.method != convolution_method::library || x.format != g.dy.format) return {};
    call c;
    c.a = forward, c.a.activation = activation_kind::identity;
    c.images = g.images, c.rows = {0, g.dy.height}, c.cols = {0, g.dy.width};
    c.x[0] = x, c.y = g.dy, c.w[0] = filters;
    return library_convolution_of(c);
}
// The gradient of a convolution's input at any stride; filters as in the forward pass.
inline std::optional<library_convolution> input_gradient_for_library(const gradient_call& g, const attributes& forward,
                                                                     const void* filters) {
    auto l = forward_of(g, forward, g.dx[0], filters);
    if (!l) return {};
    convolution_shape& s = l->shape;
    s.pass = convolution_pass::input_gradient;
    s.height = g.dx[0].height, s.width = g.dx[0].width; // includes last pixels that no output reads
    if (g.accumulates[0]) l->skip = l->x, s.skips = true, s.skip = s.x;
    return l;
}
// The gradient dw, written as (O,K,K,I/groups) to the beginning of the scratch memory.
inline std::optional<library_convolution> weight_gradient_for_library(const gradient_call& g,
                                                                      const attributes& forward) {
    auto l = forward_of(g, forward, g.x[0], g.scratch);
    if (l) l->shape.pass = convolution_pass::weight_gradient;
    return l;
}

// A library multiplies numbers of equal format. If input and output of a convolution differ, the 16-bit tensor is
// copied to float32 for the gradient, to the scratch memory after dw.
inline std::size_t scratch_for_filters(const gradient_call& g) {
    constexpr std::size_t alignment = 256;
    return (count(g.dims) * sizeof(float) + alignment - 1) / alignment * alignment;
}
inline std::size_t scratch_for_library(const gradient_call& g) {
    const window& narrow = g.x[0].format == number_format::float32 ? g.dy : g.x[0];
    const auto images = std::size_t(g.images.size()), pixels = std::size_t(narrow.height) * std::size_t(narrow.width);
    const bool differ = g.x[0].format != g.dy.format;
    return scratch_for_filters(g) + (differ ? images * pixels * std::size_t(narrow.channels) * sizeof(float) : 0);
}
// Returns the window of that copy, or w itself if the formats are equal or w is float32.
inline window in_format_of(const window& other, window w, const gradient_call& g) {
    if (w.format == other.format || w.format == number_format::float32) return w;
    w.data = g.scratch + scratch_for_filters(g), w.format = number_format::float32;
    w.left = 0, w.columns = w.width, w.stored = w.height;
    w.row_stride = std::ptrdiff_t(w.width) * w.channels, w.image_stride = w.row_stride * w.height;
    return w;
}
inline gradient_call alike_for_weights(gradient_call g) {
    const window x = g.x[0];
    g.x[0] = in_format_of(g.dy, x, g), g.dy = in_format_of(x, g.dy, g);
    return g;
}
inline gradient_call alike_for_input(gradient_call g) {
    g.dy = in_format_of(g.dx[0], g.dy, g);
    return g;
}

} // namespace detail

template <class Device> class library_convolutions {
  public:
    library_convolutions(Device& device, const graph& g)
        : device_(device), on_(g.precision != precision_kind::float32) {
        if constexpr (has_library<Device>) {
            if (on_) device.open_convolutions();
        } else if (g.precision == precision_kind::tensor_float32)
            fail("precision tf32: this build has no cuDNN, which computes it: expected float32, bf16 or fp16");
    }

    // Returns the plan of each call. Call it before any of them is queued: plans for new shapes are measured on their
    // tensors, and the host waits. So it never measures during a recording, since work is recorded only at its second
    // run.
    std::vector<planned_convolution> find(const std::vector<call>& calls, const notice_function& say) {
        std::vector<planned_convolution> found;
        for (auto& c : calls) found.push_back(find(c, say));
        save(say);
        return found;
    }
    // Returns the plan of one call; the caller saves the measurements.
    planned_convolution find(const call& c, const notice_function& say) {
        if (c.a.method != convolution_method::library) return {};
        return find(library_convolution_of(c), say);
    }
    planned_convolution find(const std::optional<library_convolution>& l, const notice_function& say) {
        if constexpr (has_library<Device>)
            if (on_ && l) return {device_.find_convolution(*l, say), *l};
        return {};
    }
    bool any() const { return has_library<Device> && on_; }
    void save(const notice_function& say) {
        if constexpr (has_library<Device>)
            if (on_) device_.save_convolutions(say);
    }

  private:
    Device& device_;
    bool on_;
};

} // namespace fovea
