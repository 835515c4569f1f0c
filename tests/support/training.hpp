// Training passes of layers and networks on any backend against the reference backend.
#pragma once
#include <cstring>

#include "fovea/fovea.hpp"
#include "support/catch.hpp"
#include "support/random_weights.hpp"

namespace fovea_test {

using namespace fovea;

struct results {
    tensor<float> y, dx;
    std::vector<std::vector<float>> gradients, buffers;
};

template <class Network, class Backend> results train_once(int batch, int height, int width, trainable_options o = {}) {
    o.input_gradient = true;
    trainable<Network, Backend> net(o);
    random_stream random(5);
    for (auto& p : net.parameters())
        for (std::size_t i = 0; i < p.size(); ++i)
            p.value[i] = (p.dims[1] == 1 && p.name.ends_with("weight") ? 1.f : 0.f) +
                         random.normal() / std::sqrt(float(count(p.dims)) / float(p.dims[0]) + 4);
    net.weights_changed();
    const auto x = random_tensor(batch, height, width, Network::in_channels);
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

template <class Backend, class Network>
void check_training(int batch, int height, int width, trainable_options o = {}) {
    INFO(batch << " of " << width << "x" << height);
    const results expected = train_once<Network, reference>(batch, height, width, o),
                  is = train_once<Network, Backend>(batch, height, width, o);
    // Sums of some thousand products in float32 in another order, by Winograd's tiles (1e-6 of the largest) or not.
    constexpr double tolerance = 2e-5;
    constexpr double least = 1e-3; // of the numbers that differences are measured by
    CHECK(relative_distance(is.y, expected.y, least) < tolerance);
    CHECK(relative_distance(is.dx, expected.dx, least) < tolerance);
    for (std::size_t i = 0; i < expected.gradients.size(); ++i) {
        INFO("parameter " << i);
        CHECK(relative_distance(is.gradients[i], expected.gradients[i], least) < tolerance);
    }
    for (std::size_t i = 0; i < expected.buffers.size(); ++i)
        CHECK(relative_distance(is.buffers[i], expected.buffers[i], least) < tolerance);
}
template <class Backend, class... Layers> void check_trained_layers(trainable_options o = {}) {
    using net = sequential<Layers...>;
    const int more = smallest_side(shapes_of<net>()) - 1;
    check_training<Backend, net>(1, 1 + more, 1 + more, o);
    check_training<Backend, net>(2, 5 + more, 3 + more, o);
    check_training<Backend, net>(3, 13 + more, 19 + more, o);
#if !FOVEA_SANITIZED // the others have every border
    check_training<Backend, net>(1, 37 + more, 28 + more, o);
#endif
}

template <class Backend> void check_trained_convolutions() {
    check_trained_layers<Backend, conv<3, 16, 5>>();
    check_trained_layers<Backend, conv<16, 16, 3>>();
    check_trained_layers<Backend, conv<17, 33, 3>>();
    check_trained_layers<Backend, conv<64, 48, 3, silu>>({.convolution = convolution_method::automatic});
    check_trained_layers<Backend, conv<48, 64, 3>>({.convolution = convolution_method::direct});
    check_trained_layers<Backend, conv<20, 65, 1, gelu>>();
    check_trained_layers<Backend, conv<5, 7, 7, identity, conv_options{.bias = false}>>();
    check_trained_layers<Backend, conv<16, 24, 3, identity, conv_options{.dilation = 2}>>();
    check_trained_layers<Backend, conv<8, 12, 3, silu, conv_options{.groups = 2}>>();
    check_trained_layers<Backend, weight_norm<conv<16, 20, 3>>, relu>();
}
template <class Backend> void check_trained_strides() {
    check_trained_layers<Backend, conv<6, 10, 3, identity, conv_options{.stride = 2}>>();
    check_trained_layers<Backend, conv<3, 20, 7, identity, conv_options{.stride = 2, .bias = false}>>();
    check_trained_layers<Backend, conv<18, 5, 1, identity, conv_options{.stride = 2}>>();
    check_trained_layers<Backend, conv<4, 8, 5, identity, conv_options{.stride = 3}>>();
    check_trained_layers<Backend, conv<4, 8, 3, identity, conv_options{.stride = 2, .groups = 2}>>();
    check_trained_layers<Backend, sum<conv<6, 10, 3, identity, conv_options{.stride = 2}>,
                                      conv<6, 10, 1, identity, conv_options{.stride = 2}>>>();
}
template <class Backend> void check_trained_padding() {
    check_trained_layers<Backend, conv<3, 20, 3, relu, conv_options{.stride = 2, .padding = 0}>>();
    check_trained_layers<Backend, conv<3, 16, 11, identity, conv_options{.stride = 4, .padding = 2}>>();
    check_trained_layers<Backend, conv<16, 18, 3, identity, conv_options{.padding = 0}>>();
    check_trained_layers<Backend, conv<5, 8, 5, identity, conv_options{.dilation = 2, .padding = 1}>>();
    check_trained_layers<Backend, conv<16, 16, 5, identity, conv_options{.groups = 16, .padding = 1}>>();
}
template <class Backend> void check_trained_depthwise() {
    check_trained_layers<Backend, depthwise<16, 5>>();
    check_trained_layers<Backend, depthwise<70, 5, identity, 3>>();
    check_trained_layers<Backend, depthwise<13, 3, silu>>();
    check_trained_layers<Backend, depthwise<8, 7, identity, 2>>();
    check_trained_layers<Backend, conv<6, 6, 3, identity, conv_options{.stride = 2, .groups = 6}>>();
}
template <class Backend> void check_trained_activations() {
    check_trained_layers<Backend, conv<3, 5, 1>, relu, leaky_relu<1, 10>>();
    check_trained_layers<Backend, conv<3, 5, 1>, silu, gelu>();
    check_trained_layers<Backend, conv<3, 5, 1>, prelu<5>, unit_range>();
}
template <class Backend> void check_trained_normalisations() {
    check_trained_layers<Backend, conv<3, 48, 1>, layer_norm<48>>();
    check_trained_layers<Backend, conv<3, 17, 1>, layer_norm<17>, conv<17, 3, 1>>();
    for (bool batch : {true, false}) {
        check_training<Backend,
                       sequential<conv<3, 20, 1, identity, conv_options{.bias = false}>, batch_norm<20>, silu>>(
            2, 7, 6, {.batch_statistics = batch});
        check_training<Backend, sequential<conv<3, 64, 3, identity, conv_options{.bias = false}>, batch_norm<64>>>(
            3, 13, 19, {.batch_statistics = batch});
    }
}
template <class Backend> void check_trained_sizes() {
    check_trained_layers<Backend, conv<3, 12, 3>, pixel_shuffle<2>>();
    check_trained_layers<Backend, conv<3, 5, 3>, upsample<2, bicubic>>();
    check_trained_layers<Backend, conv<3, 20, 1>, max_pool<3, 2>>();
    check_trained_layers<Backend, conv<3, 3, 1>, upsample<2, nearest>, max_pool<3, 1>>(); // equal neighbours
    check_trained_layers<Backend, conv<3, 20, 1>, max_pool<3, 2, pool_options{.padding = 0, .covers = true}>>();
    check_trained_layers<Backend, conv<3, 17, 1>, max_pool<2, 2, pool_options{.padding = 0}>>();
    check_trained_layers<Backend, conv<3, 16, 3>, concat<conv<16, 20, 1, relu>, conv<16, 5, 3, relu>>,
                         max_pool<3, 2>>();
    check_trained_layers<Backend, conv<3, 20, 1>, global_average_pool, linear<20, 3>>();
    check_trained_layers<Backend, sequential<conv<3, 16, 3>, product<pass, depthwise<16, 3>>>>();
}
template <class Backend> void check_trained_networks() {
    check_training<Backend, zoo::supercool<2, 32, 2, 3>>(2, 13, 17);
    check_training<Backend, zoo::supercool<4, 16, 1, 2>>(1, 16, 12);
    check_training<Backend, zoo::vapsr_network<2, 16, 24, 2>>(2, 13, 17);
    check_training<Backend, zoo::vapsr_network<4, 16, 16, 1, 3, 2>>(1, 11, 9);
    check_training<Backend, repeat<3, checkpointed<residual<conv<16, 24, 3, silu>, conv<24, 16, 3>>>>>(2, 9, 10);
    check_training<Backend, sequential<zoo::bottleneck<16, 8, 24>, zoo::bottleneck<24, 8, 32, 2>>>(2, 9, 8);
}

} // namespace fovea_test
