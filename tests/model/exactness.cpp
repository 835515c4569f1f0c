// Tiles, streams and strips, on one thread or two, give the bits of the whole-image run.
#include "support/exactness.hpp"

#include "fovea/zoo/realesr.hpp"
#include "fovea/zoo/supercool.hpp"
#include "fovea/zoo/vapsr.hpp"

using namespace fovea;

using fovea_test::check_exactness;

namespace {

#if FOVEA_SANITIZED
constexpr auto small_sizes = {extent{1, 19}, extent{17, 23}};
constexpr auto photo = {extent{20, 300}};
#else
constexpr auto small_sizes = {extent{1, 1}, extent{1, 57}, extent{57, 1}, extent{37, 53}};
constexpr auto photo = {extent{171, 1000}};
#endif
// The networks themselves, two blocks deep: every operation, every channel count of the published ones.
template <int Scale, int F, int A, int K, int G> using shallow_vapsr = zoo::vapsr_network<Scale, F, A, 2, K, G>;

} // namespace

TEST_CASE("VapSR-S tiles exactly") { check_exactness<shallow_vapsr<4, 32, 64, 1, 2>, cpu>(small_sizes); }
TEST_CASE("VapSR x2 tiles exactly") { check_exactness<shallow_vapsr<2, 48, 64, 1, 1>, cpu>(small_sizes); }
TEST_CASE("VapSR x3 tiles exactly") { check_exactness<shallow_vapsr<3, 48, 64, 1, 1>, cpu>(small_sizes); }
TEST_CASE("VapSR x4 tiles exactly") { check_exactness<shallow_vapsr<4, 48, 64, 1, 1>, cpu>(small_sizes); }
TEST_CASE("VapSR-3x3 tiles exactly") { check_exactness<shallow_vapsr<2, 64, 48, 3, 1>, cpu>(small_sizes); }
TEST_CASE("SuperCool tiles exactly") {
    check_exactness<zoo::supercool<2, 64, 2, dynamic>, cpu>(small_sizes, {{"encoder", 2}});
    check_exactness<zoo::supercool<4, 32, 1, 2, bilinear>, cpu>(small_sizes);
    check_exactness<zoo::supercool<8, 16, 4, 2>, cpu>(small_sizes);
}
TEST_CASE("Real-ESRGAN's compact network tiles exactly") {
    check_exactness<zoo::realesr_compact<64, 3, 4>, cpu>(small_sizes);
}
TEST_CASE("every method of convolution tiles exactly, whatever the channels") {
    for (auto method : {convolution_method::direct, convolution_method::winograd}) {
        check_exactness<zoo::supercool<2, 16, 2, 2>, cpu>(small_sizes, {}, method);
        check_exactness<shallow_vapsr<4, 32, 64, 1, 2>, cpu>(small_sizes, {}, method);
        check_exactness<shallow_vapsr<2, 64, 48, 3, 1>, cpu>(small_sizes, {}, method);
    }
}
TEST_CASE("a photograph of 1000 columns tiles exactly") {
    check_exactness<shallow_vapsr<2, 48, 64, 1, 1>, cpu>(photo);
    check_exactness<shallow_vapsr<2, 64, 48, 3, 1>, cpu>(photo);
    check_exactness<zoo::supercool<2, 16, 2, 2>, cpu>(photo);
}
TEST_CASE("the reference backend tiles exactly") {
    check_exactness<zoo::vapsr_network<4, 8, 12, 1, 3, 2>, reference>({extent{1, 1}, extent{23, 17}});
    check_exactness<zoo::supercool<2, 8, 2, 2>, reference>({extent{1, 1}, extent{23, 17}});
}
TEST_CASE("strides and interpolation inside a network tile exactly") {
    using net = sequential<conv<3, 8, 3, relu, conv_options{.stride = 2}>, max_pool<3, 2>, conv<8, 8, 3>, upsample<3>,
                           conv<8, 8, 5, gelu>, pixel_shuffle<2>, upsample<2, nearest>, conv<2, 3, 3>>;
    check_exactness<net, cpu>({extent{37, 53}, extent{3, 2}});
}

TEST_CASE("an automatic schedule within a small budget gives the same bits") {
    using net = shallow_vapsr<2, 48, 64, 1, 1>;
    model<net, cpu> m(fovea_test::random_weights<net>());
    const auto x = fovea_test::random_tensor(1, 200, 300, 3);
    const auto whole = m(x.view(), {.how = schedule{}});
    for (std::size_t megabytes : {100u, 30u, 12u}) {
        const auto how = m.plan_for({200, 300}, 1, megabytes << 20);
        CHECK(cost_of(m.traced(), {200, 300}, 1, how).bytes <= megabytes << 20);
        CHECK(fovea_test::same_bits(whole, m(x.view(), {.memory_budget = megabytes << 20})));
    }
}

TEST_CASE("a batch gives what its images give alone") {
    using net = shallow_vapsr<4, 32, 64, 1, 2>;
    context two({.threads = 2});
    model<net, cpu> m(fovea_test::random_weights<net>(), {.threads = &two});
    const auto x = fovea_test::random_tensor(3, 19, 23, 3);
    const auto all = m(x.view());
    REQUIRE(all.batch() == 3);
    for (int n = 0; n < 3; ++n) {
        const auto one = m(tensor_view<const float>(x.at(n, 0, 0), 1, 19, 23, 3));
        CHECK(std::memcmp(one.data(), all.at(n, 0, 0), one.size() * sizeof(float)) == 0);
    }
}
