// Convolution and depthwise convolution of every instruction set against plain loops.
#include "support/convolution_case.hpp"
#include "support/sizes.hpp"

using namespace fovea_test;

namespace {

// Weights are such that the absolute values of a sum's terms add up to at most 2, bias included. Each of its T
// roundings is off by at most 2^-24 of that; they are independent, so that 8 sqrt(T) of them are never seen together.
// Activations multiply by at most 1.13 and add their own error, below 1e-6.
double tolerance(int terms) { return 2 * 1.13 * 8 * std::sqrt(double(terms)) * std::ldexp(1., -24) + 1e-6; }

void check(const fovea::convolution_kernels& kernels, const char* name, const convolution_setting& s, int images,
           int height, int width) {
    const convolution_case c(s, images, height, width, 1.f / float(s.terms()));
    INFO(name << " " << c.text());
    CHECK(difference(c.by(kernels), c.by_loops()) < tolerance(s.terms()));
}
void check_full(const fovea::kernel_table& kernels, const convolution_setting& s, int images, int height, int width) {
    check(direct_kernels(kernels), kernels.name, s, images, height, width);
}
void check_depthwise(const fovea::kernel_table& kernels, const convolution_setting& s, int images, int height,
                     int width) {
    check(depthwise_kernels(kernels), kernels.name, s, images, height, width);
}

} // namespace

TEST_CASE("convolution over odd shapes equals plain loops and does not depend on how it is cut") {
    for (const auto* kernels : all_kernels()) {
        for (auto [h, w] : {std::pair{1, 1}, {1, 7}, {5, 3}, {13, 19}}) {
            for (int inputs : {1, 3, 5, 16, 17})
                for (int outputs : {1, 3, 12, 16, 17, 48, 64})
                    check_full(*kernels, {.inputs = inputs, .outputs = outputs, .kernel = 3}, 1, h, w);
            for (int k : {1, 5, 7}) check_full(*kernels, {.inputs = 3, .outputs = 28, .kernel = k}, 2, h, w);
        }
        check_full(*kernels, {.inputs = 48, .outputs = 56, .kernel = 3}, 1, 13, 40);
        check_full(*kernels, {.inputs = 64, .outputs = 64, .kernel = 1}, 1, 13, 40);
        check_full(*kernels, {.inputs = 5, .outputs = 130, .kernel = 3}, 1, 7, 200);
    }
}

TEST_CASE("convolution with strides, dilations, groups, activations and a skip") {
    for (const auto* kernels : all_kernels())
        for (auto [h, w] : {std::pair{1, 7}, {13, 19}, {37, 53}})
            for (const convolution_setting& s :
                 {convolution_setting{.inputs = 3, .outputs = 17, .kernel = 7, .stride = 2},
                  convolution_setting{.inputs = 16, .outputs = 12, .kernel = 3, .stride = 2, .skip = true},
                  convolution_setting{.inputs = 5, .outputs = 16, .kernel = 1, .stride = 2, .bias = false},
                  convolution_setting{.inputs = 5, .outputs = 48, .kernel = 3, .dilation = 2},
                  convolution_setting{.inputs = 3, .outputs = 5, .kernel = 5, .stride = 3, .dilation = 3},
                  convolution_setting{.inputs = 64, .outputs = 64, .kernel = 3, .groups = 2},
                  convolution_setting{.inputs = 12, .outputs = 18, .kernel = 3, .groups = 3, .skip = true},
                  convolution_setting{.inputs = 6, .outputs = 6, .kernel = 3, .dilation = 2, .groups = 6}})
                check_full(*kernels, s, 1, h, w);
    for (const auto* kernels : all_kernels())
        for (auto act : all_activations)
            for (bool skip : {false, true}) {
                check_full(*kernels, {.inputs = 3, .outputs = 19, .kernel = 3, .activation = act, .skip = skip}, 2, 5,
                           23);
                check_depthwise(
                    *kernels, {.inputs = 19, .outputs = 19, .kernel = 3, .groups = 19, .activation = act, .skip = skip},
                    2, 5, 23);
            }
}

TEST_CASE("convolution with less padding, or none") {
    for (const auto* kernels : all_kernels())
        for (auto [h, w] : {std::pair{12, 11}, {13, 19}, {37, 54}}) {
            check_full(*kernels, {.inputs = 3, .outputs = 17, .kernel = 3, .stride = 2, .offset = 1}, 2, h, w);
            check_full(*kernels, {.inputs = 16, .outputs = 12, .kernel = 5, .offset = 1}, 1, h, w);
            check_full(*kernels, {.inputs = 3, .outputs = 64, .kernel = 11, .stride = 4, .offset = 3}, 1, h, w);
            check_full(*kernels, {.inputs = 8, .outputs = 6, .kernel = 3, .dilation = 2, .groups = 2, .offset = 2}, 1,
                       h, w);
            check_depthwise(
                *kernels, {.inputs = 19, .outputs = 19, .kernel = 5, .stride = 2, .groups = 19, .offset = 2}, 1, h, w);
            check_depthwise(*kernels, {.inputs = 16, .outputs = 16, .kernel = 3, .groups = 16, .offset = 1}, 1, h, w);
        }
}

TEST_CASE("weights larger than the cache are walked through by output channels") {
    for (const auto* kernels : all_kernels())
        check_full(*kernels, {.inputs = 128, .outputs = 160, .kernel = 3, .skip = true}, 1, 3, 5);
}

TEST_CASE("pixels that are copied together give the bits that rows do") {
    for (const auto* kernels : all_kernels())
        for (auto [h, w] : {std::pair{1, 1}, {4, 3}, {3, 17}, {9, 22}, {2, 70}})
            for (int inputs : {20, 512})
                for (int stride : {1, 2})
                    for (bool skip : {false, true})
                        check_full(*kernels,
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
                    check_depthwise(*kernels,
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
        for (auto act : all_activations) {
            INFO(kernels->name << " activation " << int(act));
            const kernel_case k = convolution_kernel(direct_kernels(*kernels),
                                                     {.inputs = 1, .outputs = 1, .kernel = 3, .activation = act},
                                                     std::vector<float>(9, 0.1f), nullptr);
            float_tensor x = signed_tensor(1, 9, 21, 1, 5);
            *x.at(0, 4, 10) = std::numeric_limits<float>::quiet_NaN();
            const float_tensor y = k.result({&x}, 9, 21, 1);
            for (int i = 0; i < 9; ++i)
                for (int j = 0; j < 21; ++j)
                    CHECK(std::isnan(*y.at(0, i, j)) == (std::abs(i - 4) <= 1 && std::abs(j - 10) <= 1));
        }
}
