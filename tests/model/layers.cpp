// Every layer on the cpu backend against the reference backend, over odd shapes.
#include "fovea/backend/cpu/cpu.hpp"
#include "fovea/layers/norm.hpp"
#include "fovea/model/model.hpp"
#include "fovea/zoo/vapsr.hpp"
#include "support/catch.hpp"
#include "support/random_weights.hpp"

using namespace fovea;

namespace {

struct mish : activation<mish> { // a user's own: x tanh(log(1 + exp(x)))
    template <class Real> static Real f(Real x) { return x * std::tanh(std::log1p(std::exp(x))); }
    template <class Real> static Real d(Real x) {
        const Real t = std::tanh(std::log1p(std::exp(x))), s = 1 / (1 + std::exp(-x));
        return t + x * s * (1 - t * t);
    }
};

// Layers take three channels, so each stands behind a convolution that widens and before nothing.
template <class... Layers> void check(double tolerance = 2e-5) {
    using net = sequential<Layers...>;
    const auto weights = fovea_test::random_weights<net>();
    model<net, reference> plain(weights);
    model<net, cpu> fast(weights);
    const int more = smallest_side(plain.traced()) - 1;
    for (auto [height, width] : {std::pair{1, 1}, {1, 7}, {5, 3}, {13, 19}, {37, 53}}) {
        const auto x = fovea_test::random_tensor(2, height + more, width + more, net::in_channels);
        const auto expected = plain(x.view());
        INFO(width << "x" << height);
        // sums of up to some hundred products of numbers near one, in float32 and in another order
        CHECK(fovea_test::distance(fast(x.view()), expected) < tolerance);
    }
}

} // namespace

TEST_CASE("convolutions") {
    check<conv<3, 16, 3>>();
    check<conv<3, 48, 5, silu>>();
    check<conv<5, 7, 7, gelu>>();
    check<conv<17, 33, 1, relu>>();
    check<conv<16, 12, 3, leaky_relu<1, 10>>>();
    check<conv<64, 64, 3>>();
    check<conv<8, 8, 3, identity, conv_options{.dilation = 2}>>();
    check<conv<8, 12, 3, silu, conv_options{.groups = 2}>>();
    check<conv<32, 32, 3, identity, conv_options{.groups = 2}>>();
    check<conv<6, 10, 3, identity, conv_options{.stride = 2}>>();
    check<conv<3, 8, 3, identity, conv_options{.bias = false}>>();
    check<conv<3, 16, 3, relu, conv_options{.stride = 2, .padding = 0}>>();
    check<conv<3, 64, 11, relu, conv_options{.stride = 4, .padding = 2}>>();
    check<conv<16, 16, 3, identity, conv_options{.padding = 0}>>();
    check<conv<16, 16, 5, identity, conv_options{.groups = 16, .padding = 1}>>();
    check<weight_norm<conv<3, 8, 3, silu>>>();
    check<residual<conv<8, 16, 3, silu>, conv<16, 8, 3>>>();
    check<residual<conv<8, 8, 3, gelu>>>(); // activation, then skip
}
TEST_CASE("depthwise convolutions") {
    check<depthwise<16, 5>>();
    check<depthwise<64, 5, identity, 3>>();
    check<depthwise<13, 3, silu>>();
    check<depthwise<8, 7, identity, 2>>();
}
TEST_CASE("activations and normalisations") {
    check<conv<3, 17, 1>, silu>();
    check<conv<3, 17, 1>, gelu>();
    check<conv<3, 17, 1>, relu, unit_range>();
    check<conv<3, 17, 1>, prelu<17>>();
    check<conv<3, 20, 3>, layer_norm<20>>(2e-4); // a variance over few channels may be small, and is divided by
    check<conv<3, 20, 3>, batch_norm<20>>();
}
TEST_CASE("a user's activation, alone and in a convolution") {
    check<conv<3, 16, 3, mish>>();
    check<residual<conv<3, 16, 3, mish>, conv<16, 3, 3, mish>>>();
    check<mish, conv<3, 3, 1>>();
}
TEST_CASE("layers that change the size") {
    check<conv<3, 12, 3>, pixel_shuffle<2>>();
    check<conv<3, 48, 3>, pixel_shuffle<4>>();
    check<conv<3, 27, 3>, pixel_shuffle<3>>();
    check<upsample<2>, conv<3, 3, 1>>();
    check<upsample<3, bilinear>, conv<3, 3, 1>>();
    check<upsample<8, nearest>, conv<3, 3, 1>>();
    check<conv<3, 6, 3>, max_pool<3, 2>>();
    check<conv<3, 6, 3>, max_pool<3, 2, pool_options{.padding = 0, .covers = true}>>();
    check<conv<3, 6, 3>, max_pool<2, 2, pool_options{.padding = 0}>>();
    check<conv<3, 6, 3>, global_average_pool, linear<6, 5>>();
}
TEST_CASE("branches") {
    check<sum<named<"a", conv<3, 8, 3>>, named<"b", conv<3, 8, 5, silu>>>>();
    check<product<named<"a", conv<3, 8, 3>>, named<"b", conv<3, 8, 5, silu>>>>();
    check<sum<sequential<conv<3, 12, 3>, pixel_shuffle<2>>, upsample<2>>>();
    check<product<pass, conv<3, 3, 3>>>();
    check<concat<named<"a", conv<3, 8, 3>>, named<"b", conv<3, 17, 5, silu>>>>();
    check<concat<pass, named<"b", conv<3, 5, 1>>>, conv<8, 16, 3>>();
}
TEST_CASE("VapSR's fused block is the sum of its parts") {
    check<zoo::vapsr_block<48, 64, 1>>(2e-4); // as for layer_norm
    check<zoo::vapsr_block<32, 64, 1>>(2e-4);
    check<zoo::vapsr_block<64, 48, 3>>(2e-4);
}
