// Training passes on the cpu backend against the reference backend, for every set of kernels, and against themselves
// with other numbers of threads.
#include <cstring>

#include "fovea/fovea.hpp"
#include "support/catch.hpp"
#include "support/random_weights.hpp"

using namespace fovea;

namespace {

struct results {
    tensor<float> y, dx;
    std::vector<std::vector<float>> gradients, buffers;
};

tensor<float> copy_of(tensor_view<const float> v) {
    tensor<float> t(v.batch(), v.height(), v.width(), v.channels());
    for (int n = 0; n < v.batch(); ++n)
        for (int h = 0; h < v.height(); ++h) std::copy_n(v.at(n, h, 0), v.width() * v.channels(), t.at(n, h, 0));
    return t;
}

template <class Network, class Backend> results run(int batch, int height, int width, trainable_options o = {}) {
    o.input_gradient = true;
    trainable<Network, Backend> net(o);
    random_stream random(5);
    for (auto& p : net.parameters())
        for (std::size_t i = 0; i < p.size(); ++i)
            p.value[i] = (p.dims[1] == 1 && p.name.ends_with("weight") ? 1.f : 0.f) +
                         random.normal() / std::sqrt(float(count(p.dims)) / float(p.dims[0]) + 4);
    net.weights_changed();
    const auto x = fovea_test::random_tensor(batch, height, width, Network::in_channels);
    results r;
    r.y = copy_of(net.forward(x.view()));
    const auto dy = net.output_gradient();
    for (int n = 0; n < batch; ++n)
        for (int h = 0; h < dy.height(); ++h)
            for (int i = 0; i < dy.width() * dy.channels(); ++i) dy.at(n, h, 0)[i] = random.normal();
    net.backward();
    r.dx = copy_of(net.input_gradient());
    for (auto& p : net.parameters()) r.gradients.emplace_back(p.gradient, p.gradient + p.size());
    for (auto& b : net.buffers()) r.buffers.emplace_back(b.value, b.value + b.size());
    return r;
}

// The difference in units of the largest number of `expected`.
double relative(const std::vector<float>& is, const std::vector<float>& expected) {
    double worst = 0, largest = 1e-3;
    for (std::size_t i = 0; i < is.size(); ++i) {
        const double d = std::abs(double(is[i]) - double(expected[i]));
        worst = d <= worst ? worst : d == d ? d : 1e30;
        largest = std::max(largest, std::abs(double(expected[i])));
    }
    return worst / largest;
}
std::vector<float> numbers(const tensor<float>& t) { return {t.data(), t.data() + t.size()}; }

template <class Network> void check(int batch, int height, int width, trainable_options o = {}) {
    INFO(batch << " of " << width << "x" << height);
    const results expected = run<Network, reference>(batch, height, width, o),
                  is = run<Network, cpu>(batch, height, width, o);
    // Sums of some thousand products in float32 in another order, by Winograd's tiles (1e-6 of the largest) or not.
    constexpr double tolerance = 2e-5;
    CHECK(relative(numbers(is.y), numbers(expected.y)) < tolerance);
    CHECK(relative(numbers(is.dx), numbers(expected.dx)) < tolerance);
    for (std::size_t i = 0; i < expected.gradients.size(); ++i) {
        INFO("parameter " << i);
        CHECK(relative(is.gradients[i], expected.gradients[i]) < tolerance);
    }
    for (std::size_t i = 0; i < expected.buffers.size(); ++i)
        CHECK(relative(is.buffers[i], expected.buffers[i]) < tolerance);
}
template <class... Layers> void check_layers(trainable_options o = {}) {
    using net = sequential<Layers...>;
    const int more = smallest_side(shapes_of<net>()) - 1;
    check<net>(1, 1 + more, 1 + more, o);
    check<net>(2, 5 + more, 3 + more, o);
    check<net>(3, 13 + more, 19 + more, o);
    check<net>(1, 37 + more, 28 + more, o);
}

template <class Network> void same_with_threads(int batch, int height, int width) {
    const results one = run<Network, cpu>(batch, height, width);
    for (int n : {2, 3, 8}) {
        INFO(n << " threads");
        context threads({.threads = n});
        const results many = run<Network, cpu>(batch, height, width, {.threads = &threads});
        CHECK(fovea_test::same_bits(one.y, many.y));
        CHECK(fovea_test::same_bits(one.dx, many.dx));
        CHECK(one.gradients == many.gradients);
        CHECK(one.buffers == many.buffers);
    }
}

} // namespace

TEST_CASE("training: convolutions on the cpu") {
    check_layers<conv<3, 16, 5>>();
    check_layers<conv<16, 16, 3>>();
    check_layers<conv<17, 33, 3>>();
    check_layers<conv<64, 48, 3, silu>>({.convolution = convolution_method::automatic});
    check_layers<conv<48, 64, 3>>({.convolution = convolution_method::direct});
    check_layers<conv<20, 65, 1, gelu>>();
    check_layers<conv<5, 7, 7, identity, conv_options{.bias = false}>>();
    check_layers<conv<16, 24, 3, identity, conv_options{.dilation = 2}>>();
    check_layers<conv<8, 12, 3, silu, conv_options{.groups = 2}>>();
    check_layers<weight_norm<conv<16, 20, 3>>, relu>();
}
TEST_CASE("training: strided convolutions on the cpu") {
    check_layers<conv<6, 10, 3, identity, conv_options{.stride = 2}>>();
    check_layers<conv<3, 20, 7, identity, conv_options{.stride = 2, .bias = false}>>();
    check_layers<conv<18, 5, 1, identity, conv_options{.stride = 2}>>();
    check_layers<conv<4, 8, 5, identity, conv_options{.stride = 3}>>();
    check_layers<conv<4, 8, 3, identity, conv_options{.stride = 2, .groups = 2}>>();
    check_layers<sum<conv<6, 10, 3, identity, conv_options{.stride = 2}>,
                     conv<6, 10, 1, identity, conv_options{.stride = 2}>>>();
}
TEST_CASE("training: 1x1 convolutions of short rows on the cpu") {
    for (int width = 1; width <= 20; ++width)
        for (int batch = 1; batch <= 3; ++batch) {
            check<conv<20, 33, 1>>(batch, 3, width);
            check<conv<34, 18, 1, identity, conv_options{.stride = 2, .bias = false}>>(batch, 4, width);
        }
    using between_margins = sequential<conv<3, 16, 3>, conv<16, 40, 1>, conv<40, 16, 3>>;
    check<between_margins>(3, 5, 7);
    // Pixels, and with a stride rows of dy, as far apart as L1 has no room.
    check<conv<512, 40, 1>>(3, 5, 7);
    check<
        sum<conv<256, 40, 1, silu, conv_options{.stride = 2}>, conv<256, 40, 3, identity, conv_options{.stride = 2}>>>(
        2, 6, 9);
    check<conv<70, 512, 1>>(2, 19, 9); // more pixels than are packed at once
    check<sequential<conv<3, 48, 3>, conv<48, 64, 1>, conv<64, 50, 1, identity, conv_options{.stride = 2}>>>(
        2, 3, 67); // long rows, read where they are
}
TEST_CASE("training: convolutions of many channels on small images on the cpu") {
    check<conv<80, 70, 3>>(3, 4, 4); // Winograd's tiles of several images, blocks of inputs and outputs
    check<conv<130, 68, 3>>(2, 9, 7);
    check<conv<200, 192, 3>>(2, 5, 6);                                      // the smaller tile
    check<conv<40, 24, 3, identity, conv_options{.stride = 2}>>(2, 21, 30); // several panels of columns
    check<conv<70, 9, 3, identity, conv_options{.dilation = 2}>>(2, 7, 9);
}
TEST_CASE("training: convolutions with less padding on the cpu") {
    check_layers<conv<3, 20, 3, relu, conv_options{.stride = 2, .padding = 0}>>();
    check_layers<conv<3, 16, 11, identity, conv_options{.stride = 4, .padding = 2}>>();
    check_layers<conv<16, 18, 3, identity, conv_options{.padding = 0}>>();
    check_layers<conv<5, 8, 5, identity, conv_options{.dilation = 2, .padding = 1}>>();
    check_layers<conv<16, 16, 5, identity, conv_options{.groups = 16, .padding = 1}>>();
}
TEST_CASE("training: depthwise convolutions on the cpu") {
    check_layers<depthwise<16, 5>>();
    check_layers<depthwise<70, 5, identity, 3>>();
    check_layers<depthwise<13, 3, silu>>();
    check_layers<depthwise<8, 7, identity, 2>>();
    check_layers<conv<6, 6, 3, identity, conv_options{.stride = 2, .groups = 6}>>();
}
TEST_CASE("training: activations on the cpu") {
    check_layers<conv<3, 5, 1>, relu, leaky_relu<1, 10>>();
    check_layers<conv<3, 5, 1>, silu, gelu>();
    check_layers<conv<3, 5, 1>, prelu<5>, unit_range>();
}
TEST_CASE("training: normalisations on the cpu") {
    check_layers<conv<3, 48, 1>, layer_norm<48>>();
    check_layers<conv<3, 17, 1>, layer_norm<17>, conv<17, 3, 1>>();
    for (bool batch : {true, false}) {
        check<sequential<conv<3, 20, 1, identity, conv_options{.bias = false}>, batch_norm<20>, silu>>(
            2, 7, 6, {.batch_statistics = batch});
        check<sequential<conv<3, 64, 3, identity, conv_options{.bias = false}>, batch_norm<64>>>(
            3, 13, 19, {.batch_statistics = batch});
    }
}
TEST_CASE("training: other sizes on the cpu") {
    check_layers<conv<3, 12, 3>, pixel_shuffle<2>>();
    check_layers<conv<3, 5, 3>, upsample<2, bicubic>>();
    check_layers<conv<3, 20, 1>, max_pool<3, 2>>();
    check_layers<conv<3, 3, 1>, relu, max_pool<3, 1>>();
    check_layers<conv<3, 20, 1>, max_pool<3, 2, pool_options{.padding = 0, .covers = true}>>();
    check_layers<conv<3, 17, 1>, max_pool<2, 2, pool_options{.padding = 0}>>();
    check_layers<conv<3, 16, 3>, concat<conv<16, 20, 1, relu>, conv<16, 5, 3, relu>>, max_pool<3, 2>>();
    check_layers<conv<3, 20, 1>, global_average_pool, linear<20, 3>>();
    check_layers<sequential<conv<3, 16, 3>, product<pass, depthwise<16, 3>>>>();
}
TEST_CASE("training: networks on the cpu") {
    check<zoo::supercool<2, 32, 2, 3>>(2, 13, 17);
    check<zoo::supercool<4, 16, 1, 2>>(1, 16, 12);
    check<zoo::vapsr_network<2, 16, 24, 2>>(2, 13, 17);
    check<zoo::vapsr_network<4, 16, 16, 1, 3, 2>>(1, 11, 9);
    check<repeat<3, checkpointed<residual<conv<16, 24, 3, silu>, conv<24, 16, 3>>>>>(2, 9, 10);
    check<sequential<zoo::bottleneck<16, 8, 24>, zoo::bottleneck<24, 8, 32, 2>>>(2, 9, 8);
}
TEST_CASE("training: the number of threads changes no bit") {
    same_with_threads<zoo::supercool<2, 32, 2, 3>>(3, 45, 37);
    same_with_threads<zoo::vapsr_network<2, 16, 24, 2>>(2, 70, 33);
    same_with_threads<sequential<zoo::bottleneck<16, 8, 24>, zoo::bottleneck<24, 8, 32, 2>>>(5, 64, 63);
    using wide = sequential<zoo::bottleneck<32, 140, 256>, zoo::bottleneck<256, 130, 512, 2>>;
    same_with_threads<wide>(3, 9, 7);
}
