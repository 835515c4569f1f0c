// Layers over odd shapes on any backend against the reference backend.
#pragma once
#include "fovea/backend/reference/reference.hpp"
#include "fovea/layers/compose.hpp"
#include "fovea/layers/conv.hpp"
#include "fovea/layers/norm.hpp"
#include "fovea/layers/resize.hpp"
#include "fovea/model/model.hpp"
#include "fovea/zoo/vapsr.hpp"
#include "support/catch.hpp"
#include "support/mish.hpp"
#include "support/random_weights.hpp"
#include "support/sizes.hpp"

namespace fovea_test {

using namespace fovea;

// Layers take three channels, so each stands behind a convolution that widens and before nothing.
template <class Backend, class... Layers> void check_layers(double tolerance = 2e-5) {
    using net = sequential<Layers...>;
    const auto weights = random_weights<net>();
    model<net, reference> plain(weights);
    model<net, Backend> fast(weights);
    const int more = smallest_side(plain.traced()) - 1;
    for (auto [height, width] : odd_sizes) {
        const auto x = random_tensor(2, height + more, width + more, net::in_channels);
        const auto expected = plain(x.view());
        INFO(width << "x" << height);
        // sums of up to some hundred products of numbers near one, in float32 and in another order
        CHECK(distance(fast(x.view()), expected) < tolerance);
    }
}

template <class Backend> void check_convolutions() {
    check_layers<Backend, conv<3, 16, 3>>();
    check_layers<Backend, conv<3, 48, 5, silu>>();
    check_layers<Backend, conv<5, 7, 7, gelu>>();
    check_layers<Backend, conv<17, 33, 1, relu>>();
    check_layers<Backend, conv<16, 12, 3, leaky_relu<1, 10>>>();
    check_layers<Backend, conv<64, 64, 3>>();
    check_layers<Backend, conv<8, 8, 3, identity, conv_options{.dilation = 2}>>();
    check_layers<Backend, conv<8, 12, 3, silu, conv_options{.groups = 2}>>();
    check_layers<Backend, conv<32, 32, 3, identity, conv_options{.groups = 2}>>();
    check_layers<Backend, conv<6, 10, 3, identity, conv_options{.stride = 2}>>();
    check_layers<Backend, conv<3, 8, 3, identity, conv_options{.bias = false}>>();
    check_layers<Backend, conv<3, 16, 3, relu, conv_options{.stride = 2, .padding = 0}>>();
    check_layers<Backend, conv<3, 64, 11, relu, conv_options{.stride = 4, .padding = 2}>>();
    check_layers<Backend, conv<16, 16, 3, identity, conv_options{.padding = 0}>>();
    check_layers<Backend, conv<16, 16, 5, identity, conv_options{.groups = 16, .padding = 1}>>();
    check_layers<Backend, weight_norm<conv<3, 8, 3, silu>>>();
    check_layers<Backend, residual<conv<8, 16, 3, silu>, conv<16, 8, 3>>>();
    check_layers<Backend, residual<conv<8, 8, 3, gelu>>>(); // activation, then skip
}
template <class Backend> void check_depthwise() {
    check_layers<Backend, depthwise<16, 5>>();
    check_layers<Backend, depthwise<64, 5, identity, 3>>();
    check_layers<Backend, depthwise<13, 3, silu>>();
    check_layers<Backend, depthwise<8, 7, identity, 2>>();
}
template <class Backend> void check_activations() {
    check_layers<Backend, conv<3, 17, 1>, silu>();
    check_layers<Backend, conv<3, 17, 1>, gelu>();
    check_layers<Backend, conv<3, 17, 1>, relu, unit_range>();
    check_layers<Backend, conv<3, 17, 1>, prelu<17>>();
    check_layers<Backend, conv<3, 20, 3>, layer_norm<20>>(
        2e-4); // a variance over few channels may be small, and is divided by
    check_layers<Backend, conv<3, 20, 3>, batch_norm<20>>();
}
template <class Backend> void check_own_activation() {
    check_layers<Backend, conv<3, 16, 3, mish>>();
    check_layers<Backend, residual<conv<3, 16, 3, mish>, conv<16, 3, 3, mish>>>();
    check_layers<Backend, mish, conv<3, 3, 1>>();
}
template <class Backend> void check_sizes() {
    check_layers<Backend, conv<3, 12, 3>, pixel_shuffle<2>>();
    check_layers<Backend, conv<3, 48, 3>, pixel_shuffle<4>>();
    check_layers<Backend, conv<3, 27, 3>, pixel_shuffle<3>>();
    check_layers<Backend, upsample<2>, conv<3, 3, 1>>();
    check_layers<Backend, upsample<3, bilinear>, conv<3, 3, 1>>();
    check_layers<Backend, upsample<8, nearest>, conv<3, 3, 1>>();
    check_layers<Backend, conv<3, 6, 3>, max_pool<3, 2>>();
    check_layers<Backend, conv<3, 6, 3>, max_pool<3, 2, pool_options{.padding = 0, .covers = true}>>();
    check_layers<Backend, conv<3, 6, 3>, max_pool<2, 2, pool_options{.padding = 0}>>();
    check_layers<Backend, conv<3, 6, 3>, global_average_pool, linear<6, 5>>();
}
template <class Backend> void check_branches() {
    check_layers<Backend, sum<named<"a", conv<3, 8, 3>>, named<"b", conv<3, 8, 5, silu>>>>();
    check_layers<Backend, product<named<"a", conv<3, 8, 3>>, named<"b", conv<3, 8, 5, silu>>>>();
    check_layers<Backend, sum<sequential<conv<3, 12, 3>, pixel_shuffle<2>>, upsample<2>>>();
    check_layers<Backend, product<pass, conv<3, 3, 3>>>();
    check_layers<Backend, concat<named<"a", conv<3, 8, 3>>, named<"b", conv<3, 17, 5, silu>>>>();
    check_layers<Backend, concat<pass, named<"b", conv<3, 5, 1>>>, conv<8, 16, 3>>();
}
template <class Backend> void check_vapsr_blocks() {
    check_layers<Backend, zoo::vapsr_block<48, 64, 1>>(2e-4); // as for layer_norm
    check_layers<Backend, zoo::vapsr_block<32, 64, 1>>(2e-4);
    check_layers<Backend, zoo::vapsr_block<64, 48, 3>>(2e-4);
}

} // namespace fovea_test
