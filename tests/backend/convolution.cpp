// Convolution and depthwise convolution of every instruction set against plain loops.
#include "support/operation.hpp"
#include "support/reference_loops.hpp"
#include "support/sizes.hpp"

using namespace fovea_test;
using fovea::activation_kind;

namespace {

struct setting {
    int inputs, outputs, kernel, stride = 1, dilation = 1, groups = 1;
    activation_kind activation = activation_kind::identity;
    bool bias = true, skip = false;
    int offset = 0; // of the first output, as padding less than kernel / 2 makes it
};

fovea::attributes attributes_of(const setting& s) {
    fovea::attributes a;
    a.kernel = s.kernel;
    a.stride = s.stride;
    a.dilation = s.dilation;
    a.groups = s.groups;
    a.offset = s.offset;
    a.activation = s.activation;
    a.slope = 0.2f;
    return a;
}

// Weights are such that the absolute values of a sum's terms add up to at most 2, bias included. Each of its T
// roundings is off by at most 2^-24 of that; they are independent, so that 8 sqrt(T) of them are never seen together.
// Activations multiply by at most 1.13 and add their own error, below 1e-6.
double tolerance(int terms) { return 2 * 1.13 * 8 * std::sqrt(double(terms)) * std::ldexp(1., -24) + 1e-6; }

enum class kind { full, depthwise };

void check(const fovea::kernel_table& kernels, kind which, const setting& s, int images, int height, int width) {
    INFO(kernels.name << " " << s.inputs << "->" << s.outputs << " k" << s.kernel << " s" << s.stride << " d"
                      << s.dilation << " g" << s.groups << " on " << height << "x" << width << " activation "
                      << int(s.activation) << " bias " << s.bias << " skip " << s.skip);
    const int terms = s.inputs / s.groups * s.kernel * s.kernel;
    const fovea::weight_shape dims{s.outputs, s.inputs / s.groups, s.kernel, s.kernel};
    auto w = random_floats(fovea::count(dims), 1, -1.f / float(terms), 1.f / float(terms));
    const auto bias = random_floats(std::size_t(s.outputs), 2);
    const int out_height = (height - 1 - 2 * s.offset) / s.stride + 1,
              out_width = (width - 1 - 2 * s.offset) / s.stride + 1;
    const tensor x = random_tensor(images, height, width, s.inputs, 3);
    const tensor skip = random_tensor(images, out_height, out_width, s.outputs, 4);

    fovea::preparation_call p;
    p.a = attributes_of(s);
    p.w[0] = w.data();
    p.dims[0] = dims;
    const bool full = which == kind::full;
    aligned_bytes packed(full ? kernels.packed_convolution_bytes(p) : kernels.packed_depthwise_bytes(p));
    p.out = packed.get();
    (full ? kernels.pack_convolution : kernels.pack_depthwise)(p);

    operation op;
    op.run = full ? kernels.convolution : kernels.depthwise;
    if (full) op.scratch = kernels.convolution_scratch;
    op.a = p.a;
    op.dims = dims;
    op.w = {packed.get(), s.bias ? bias.data() : nullptr};
    const int reach = s.kernel / 2 * s.dilation;
    op.footprint = [&](range r, int) {
        return range{r.begin * s.stride + s.offset - reach, (r.end - 1) * s.stride + s.offset + reach + 1};
    };
    std::vector<const tensor*> in{&x};
    if (s.skip) in.push_back(&skip);
    const tensor y = result(op, in, out_height, out_width, s.outputs);
    const auto expected = reference_convolution(x, w, s.bias ? bias.data() : nullptr, s.skip ? &skip : nullptr, p.a,
                                                s.outputs, out_height, out_width);
    CHECK(difference(y.data, expected) < tolerance(terms));
}

} // namespace

TEST_CASE("convolution over odd shapes equals plain loops and does not depend on how it is cut") {
    for (const auto* kernels : all_kernels()) {
        for (auto [h, w] : {std::pair{1, 1}, {1, 7}, {5, 3}, {13, 19}}) {
            for (int inputs : {1, 3, 5, 16, 17})
                for (int outputs : {1, 3, 12, 16, 17, 48, 64})
                    check(*kernels, kind::full, {.inputs = inputs, .outputs = outputs, .kernel = 3}, 1, h, w);
            for (int k : {1, 5, 7}) check(*kernels, kind::full, {.inputs = 3, .outputs = 28, .kernel = k}, 2, h, w);
        }
        check(*kernels, kind::full, {.inputs = 48, .outputs = 56, .kernel = 3}, 1, 13, 40);
        check(*kernels, kind::full, {.inputs = 64, .outputs = 64, .kernel = 1}, 1, 13, 40);
        check(*kernels, kind::full, {.inputs = 5, .outputs = 130, .kernel = 3}, 1, 7, 200);
    }
}

TEST_CASE("convolution with strides, dilations, groups, activations and a skip") {
    for (const auto* kernels : all_kernels())
        for (auto [h, w] : {std::pair{1, 7}, {13, 19}, {37, 53}})
            for (const setting& s : {setting{.inputs = 3, .outputs = 17, .kernel = 7, .stride = 2},
                                     setting{.inputs = 16, .outputs = 12, .kernel = 3, .stride = 2, .skip = true},
                                     setting{.inputs = 5, .outputs = 16, .kernel = 1, .stride = 2, .bias = false},
                                     setting{.inputs = 5, .outputs = 48, .kernel = 3, .dilation = 2},
                                     setting{.inputs = 3, .outputs = 5, .kernel = 5, .stride = 3, .dilation = 3},
                                     setting{.inputs = 64, .outputs = 64, .kernel = 3, .groups = 2},
                                     setting{.inputs = 12, .outputs = 18, .kernel = 3, .groups = 3, .skip = true},
                                     setting{.inputs = 6, .outputs = 6, .kernel = 3, .dilation = 2, .groups = 6}})
                check(*kernels, kind::full, s, 1, h, w);
    for (const auto* kernels : all_kernels())
        for (auto act : {activation_kind::identity, activation_kind::relu, activation_kind::leaky_relu,
                         activation_kind::silu, activation_kind::gelu, activation_kind::unit_range})
            for (bool skip : {false, true}) {
                check(*kernels, kind::full, {.inputs = 3, .outputs = 19, .kernel = 3, .activation = act, .skip = skip},
                      2, 5, 23);
                check(*kernels, kind::depthwise,
                      {.inputs = 19, .outputs = 19, .kernel = 3, .groups = 19, .activation = act, .skip = skip}, 2, 5,
                      23);
            }
}

TEST_CASE("convolution with less padding, or none") {
    for (const auto* kernels : all_kernels())
        for (auto [h, w] : {std::pair{12, 11}, {13, 19}, {37, 54}}) {
            check(*kernels, kind::full, {.inputs = 3, .outputs = 17, .kernel = 3, .stride = 2, .offset = 1}, 2, h, w);
            check(*kernels, kind::full, {.inputs = 16, .outputs = 12, .kernel = 5, .offset = 1}, 1, h, w);
            check(*kernels, kind::full, {.inputs = 3, .outputs = 64, .kernel = 11, .stride = 4, .offset = 3}, 1, h, w);
            check(*kernels, kind::full,
                  {.inputs = 8, .outputs = 6, .kernel = 3, .dilation = 2, .groups = 2, .offset = 2}, 1, h, w);
            check(*kernels, kind::depthwise,
                  {.inputs = 19, .outputs = 19, .kernel = 5, .stride = 2, .groups = 19, .offset = 2}, 1, h, w);
            check(*kernels, kind::depthwise, {.inputs = 16, .outputs = 16, .kernel = 3, .groups = 16, .offset = 1}, 1,
                  h, w);
        }
}

TEST_CASE("weights larger than the cache are walked through by output channels") {
    for (const auto* kernels : all_kernels())
        check(*kernels, kind::full, {.inputs = 128, .outputs = 160, .kernel = 3, .skip = true}, 1, 3, 5);
}

TEST_CASE("pixels that are copied together give the bits that rows do") {
    for (const auto* kernels : all_kernels())
        for (auto [h, w] : {std::pair{1, 1}, {4, 3}, {3, 17}, {9, 22}, {2, 70}})
            for (int inputs : {20, 512})
                for (int stride : {1, 2})
                    for (bool skip : {false, true})
                        check(*kernels, kind::full,
                              {.inputs = inputs,
                               .outputs = 69,
                               .kernel = 1,
                               .stride = stride,
                               .activation = activation_kind::silu,
                               .skip = skip},
                              3, h, w);
}

TEST_CASE("depthwise convolution equals plain loops and does not depend on how it is cut") {
    for (const auto* kernels : all_kernels())
        for (auto [h, w] : odd_sizes)
            for (int channels : {1, 5, 16, 17, 48})
                for (auto [k, stride, dilation] : {std::array{1, 1, 1},
                                                   {3, 1, 1},
                                                   {5, 1, 1},
                                                   {7, 1, 1},
                                                   {9, 1, 1},
                                                   {5, 1, 3},
                                                   {3, 1, 2},
                                                   {3, 2, 1},
                                                   {5, 3, 2}})
                    check(*kernels, kind::depthwise,
                          {.inputs = channels,
                           .outputs = channels,
                           .kernel = k,
                           .stride = stride,
                           .dilation = dilation,
                           .groups = channels},
                          1, h, w);
}

TEST_CASE("a NaN reaches every output that it is part of, and no other") {
    for (const auto* kernels : all_kernels())
        for (auto act : {activation_kind::identity, activation_kind::relu, activation_kind::leaky_relu,
                         activation_kind::silu, activation_kind::gelu, activation_kind::unit_range}) {
            INFO(kernels->name << " activation " << int(act));
            const std::vector<float> w(9, 0.1f);
            fovea::preparation_call p;
            p.a.kernel = 3;
            p.a.activation = act;
            p.w[0] = w.data();
            p.dims[0] = {1, 1, 3, 3};
            aligned_bytes packed(kernels->packed_convolution_bytes(p));
            p.out = packed.get();
            kernels->pack_convolution(p);
            operation op;
            op.run = kernels->convolution;
            op.a = p.a;
            op.dims = p.dims[0];
            op.w = {packed.get(), nullptr};
            op.footprint = [](range r, int) { return range{r.begin - 1, r.end + 1}; };
            tensor x = random_tensor(1, 9, 21, 1, 5);
            x(0, 4, 10, 0) = std::numeric_limits<float>::quiet_NaN();
            const tensor y = result(op, {&x}, 9, 21, 1);
            for (int i = 0; i < 9; ++i)
                for (int j = 0; j < 21; ++j)
                    CHECK(std::isnan(y(0, i, j, 0)) == (std::abs(i - 4) <= 1 && std::abs(j - 10) <= 1));
        }
}
