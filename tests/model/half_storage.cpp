// Networks whose activations are kept in 16 bits: exact tiling, closeness to float32, and what is refused.
#include "fovea/graph/lower.hpp"
#include "support/errors.hpp"
#include "support/exactness.hpp"
#include "support/small_networks.hpp"

using namespace fovea;
using fovea_test::error_of;
using fovea_test::shallow_vapsr;
using fovea_test::small_sizes;
using fovea_test::small_supercool;

namespace {

using enum precision_kind;

#if FOVEA_SANITIZED
constexpr auto wide = {extent{12, 300}};
#else
constexpr auto wide = {extent{96, 1100}}; // above the size from which small tiles are left out
#endif

template <class Network, class Backend = cpu>
void check_halves_exact(std::initializer_list<extent> images = small_sizes,
                        convolution_method method = convolution_method::automatic,
                        fovea_test::schedule_list all = fovea_test::schedules) {
    for (auto precision : {bfloat16, float16}) {
        INFO(name_of(precision));
        fovea_test::check_exactness_with<Network, Backend>(images, {.convolution = method, .precision = precision},
                                                           all);
    }
}

template <class Network> model<Network, cpu> in(precision_kind p) {
    return model<Network, cpu>(fovea_test::random_weights<Network>(), {.precision = p});
}

template <class Network> double relative_error(precision_kind p) {
    auto exact = in<Network>(float32), half = in<Network>(p);
    const auto x = fovea_test::random_tensor(1, 40, 50, 3);
    return fovea_test::relative_error(exact(x.view()), half(x.view()));
}

} // namespace

TEST_CASE("networks in 16 bits tile exactly") {
    check_halves_exact<small_supercool>();
    check_halves_exact<zoo::supercool<4, 64, 2, 2>>(); // tiles of 6x6 among them
    check_halves_exact<shallow_vapsr<4, 32, 64, 1, 2>>();
    check_halves_exact<shallow_vapsr<2, 64, 48, 3>>();
    check_halves_exact<shallow_vapsr<2, 64, 48, 3>>(small_sizes, convolution_method::direct);
    check_halves_exact<zoo::realesr_compact<64, 2, 4>>();
}
TEST_CASE("networks in 16 bits tile exactly where a call has several runs and strips") {
    check_halves_exact<small_supercool>(wide, convolution_method::automatic, fovea_test::large_parts);
    check_halves_exact<shallow_vapsr<2, 48, 64, 1>>(wide, convolution_method::automatic, fovea_test::large_parts);
    check_halves_exact<shallow_vapsr<2, 64, 48, 3>>(wide, convolution_method::automatic, fovea_test::large_parts);
}
TEST_CASE("the reference backend tiles exactly in 16 bits") {
    check_halves_exact<zoo::vapsr_network<4, 8, 12, 1, 3, 2>, reference>({extent{1, 1}, extent{23, 17}});
    check_halves_exact<zoo::supercool<2, 8, 2, 2>, reference>({extent{1, 1}, extent{23, 17}});
}
TEST_CASE("strides and interpolation inside a network tile exactly in 16 bits") {
    using net = sequential<conv<3, 8, 3, relu, conv_options{.stride = 2}>, max_pool<3, 2>, conv<8, 8, 3>, upsample<3>,
                           conv<8, 8, 5, gelu>, pixel_shuffle<2>, upsample<2, nearest>, conv<2, 3, 3>>;
    check_halves_exact<net>({extent{37, 53}, extent{3, 2}});
}

TEST_CASE("a batch in 16 bits gives what its images give alone") {
    context two({.threads = 2});
    using net = shallow_vapsr<4, 32, 64, 1, 2>;
    model<net, cpu> m(fovea_test::random_weights<net>(), {.threads = &two, .precision = bfloat16});
    const auto x = fovea_test::random_tensor(3, 19, 23, 3);
    const auto all = m(x.view());
    REQUIRE(all.batch() == 3);
    for (int n = 0; n < 3; ++n) {
        const auto one = m(tensor_view<const float>(x.at(n, 0, 0), 1, 19, 23, 3));
        CHECK(std::memcmp(one.data(), all.at(n, 0, 0), one.size() * sizeof(float)) == 0);
    }
}

TEST_CASE("the attention block's own reading of 16 bits gives the bits of copies") {
    using net = shallow_vapsr<2, 64, 48, 3>;
    const auto weights = fovea_test::random_weights<net>();
    for (auto method : {convolution_method::direct, convolution_method::winograd})
        for (auto precision : {bfloat16, float16}) {
            graph g = detail::trace_network<net, cpu, inference>({}, method), copied = g;
            int blocks = 0;
            for (auto& o : copied.operations) blocks += std::exchange(o.takes_16_bits, false);
            REQUIRE(blocks == 2);
            upscaler itself(g, weights, {.precision = precision}), copies(copied, weights, {.precision = precision});
            const auto x = fovea_test::random_tensor(1, 45, 301, 3);
            CHECK(fovea_test::same_bits(itself(x.view()), copies(x.view())));
        }
}

TEST_CASE("networks in 16 bits are close to those in float32, and not the same") {
    // A stored number is off by up to 2^-8 of itself in bfloat16 and 2^-11 in half precision, 0.42 of that in the mean
    // square; at most eight tensors lie behind one another here, and parts that cancel leave errors that are larger
    // beside what is left: three times.
    const auto check = [](auto error_of) {
        CHECK(error_of(bfloat16) > 0);
        CHECK(error_of(bfloat16) < 3 * std::sqrt(8.) * 0.42 / 256);
        CHECK(error_of(float16) > 0);
        CHECK(error_of(float16) < 3 * std::sqrt(8.) * 0.42 / 2048);
    };
    check(relative_error<small_supercool>);
    check(relative_error<zoo::realesr_compact<64, 2, 4>>);
    check(relative_error<shallow_vapsr<2, 48, 64, 1>>);
    check(relative_error<shallow_vapsr<2, 64, 48, 3>>);
}

TEST_CASE("activations beyond what half precision holds are an error that says so") {
    using net = shallow_vapsr<2, 48, 64, 1>;
    image x(20, 20, 3, sample_type::f32);
    for (int y = 0; y < 20; ++y)
        for (float& v : x.row<float>(y)) v = 1e7f;
    auto exact = in<net>(float32), wide_range = in<net>(bfloat16), half = in<net>(float16);
    CHECK(error_of([&] { exact(x); }) == "");
    CHECK(error_of([&] { wide_range(x); }) == "");
    CHECK_THAT(error_of([&] { half(x); }), Catch::Contains("not finite") && Catch::Contains("65504"));
}

TEST_CASE("8 bits and 16 bits are two precisions, of which one is chosen") {
    const activation_ranges ranges;
    CHECK_THAT(error_of([&] {
                   model<small_supercool, cpu>(fovea_test::random_weights<small_supercool>(),
                                               {.precision = bfloat16, .ranges = &ranges});
               }),
               Catch::Contains("precision bf16") && Catch::Contains("expected precision int8"));
}
