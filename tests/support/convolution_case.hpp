// One convolution on random numbers, for the kernels of every method: direct, depthwise, Winograd, 8 bits, half precision.
#pragma once
#include <string>

#include "fovea/graph/graph.hpp"
#include "support/kernel_case.hpp"
#include "support/reference_loops.hpp"

namespace fovea_test {

using fovea::activation_kind;

inline constexpr activation_kind all_activations[] = {activation_kind::identity,   activation_kind::relu,
                                                      activation_kind::leaky_relu, activation_kind::silu,
                                                      activation_kind::gelu,       activation_kind::unit_range};

// The members of a table of kernels that compute convolutions in one way.
inline fovea::convolution_kernels direct_kernels(const fovea::kernel_table& k) {
    return {k.convolution_scratch, k.convolution, k.packed_convolution_bytes, k.pack_convolution};
}
inline fovea::convolution_kernels depthwise_kernels(const fovea::kernel_table& k) {
    return {nullptr, k.depthwise, k.packed_depthwise_bytes, k.pack_depthwise};
}
inline fovea::convolution_kernels winograd_kernels(const fovea::kernel_table& k) {
    return {k.winograd_scratch, k.winograd, k.packed_winograd_bytes, k.pack_winograd};
}
inline fovea::convolution_kernels int8_kernels(const fovea::kernel_table& k) {
    return {k.int8_convolution_scratch, k.int8_convolution, k.packed_int8_convolution_bytes, k.pack_int8_convolution};
}

struct convolution_setting {
    int inputs, outputs, kernel = 1, stride = 1, dilation = 1, groups = 1;
    activation_kind activation = activation_kind::identity;
    bool bias = true, skip = false;
    int offset = 0;              // of the first output, as padding less than kernel / 2 makes it
    int tile = 0;                // of Winograd; 0: another method
    fovea::quantisation input{}; // of 8 bits

    int outputs_along(int size) const { return (size - 1 - 2 * offset) / stride + 1; }
    int terms() const { return inputs / groups * kernel * kernel; }
    fovea::weight_shape dims() const { return {outputs, inputs / groups, kernel, kernel}; }
    fovea::attributes attributes() const {
        fovea::attributes a;
        a.kernel = kernel, a.stride = stride, a.dilation = dilation, a.groups = groups;
        a.offset = offset;
        a.activation = activation, a.slope = 0.2f;
        a.input = input;
        if (tile) a.tile = tile;
        return a;
    }
    std::string text() const {
        return fovea::text_of(inputs, "->", outputs, " k", kernel, " s", stride, " d", dilation, " g", groups,
                              " offset ", offset, " tile ", tile, " activation ", int(activation), " bias ", int(bias),
                              " skip ", int(skip));
    }
};

// The kernel with its weights arranged. The bias is kept by the caller; null: none.
inline kernel_case convolution_kernel(const fovea::convolution_kernels& kernels, const convolution_setting& s,
                                      const std::vector<float>& w, const float* bias) {
    kernel_case k;
    k.run = kernels.run, k.scratch = kernels.scratch;
    k.a = s.attributes();
    k.pack(kernels.packed_bytes, kernels.pack, {{w, s.dims()}});
    k.weights.push_back(bias);
    k.reads = fovea::footprint{
        .stride = s.stride, .radius = s.kernel / 2 * s.dilation, .offset = s.offset, .grain = s.tile ? s.tile : 1};
    return k;
}

// Inputs, weights within +-limit, bias and skip within +-1, and what comes of them.
struct convolution_case {
    convolution_setting s;
    int height, width; // of the output
    std::vector<float> w, bias;
    float_tensor x, skip;

    convolution_case(const convolution_setting& setting, int images, int in_height, int in_width, float limit)
        : s(setting),
          height(s.outputs_along(in_height)),
          width(s.outputs_along(in_width)),
          w(random_floats(fovea::count(s.dims()), 1, -limit, limit)),
          bias(random_floats(std::size_t(s.outputs), 2)),
          x(signed_tensor(images, in_height, in_width, s.inputs, 3)),
          skip(signed_tensor(images, height, width, s.outputs, 4)) {}

    const float* bias_or_null() const { return s.bias ? bias.data() : nullptr; }
    const float_tensor* skip_or_null() const { return s.skip ? &skip : nullptr; }
    std::string text() const { return fovea::text_of(s.text(), " on ", x.height(), "x", x.width()); }

    float_tensor by(const fovea::convolution_kernels& kernels) const {
        std::vector<const float_tensor*> inputs{&x};
        if (s.skip) inputs.push_back(&skip);
        return convolution_kernel(kernels, s, w, bias_or_null()).result(inputs, height, width, s.outputs);
    }
    std::vector<double> by_loops() const {
        return reference_convolution(x, w, bias_or_null(), skip_or_null(), s.attributes(), s.outputs, height, width);
    }
};

} // namespace fovea_test
