// Tiles, streams and strips, on one thread or two, give the bits of the whole-image run.
#include "support/exactness.hpp"

#include "support/small_networks.hpp"

using namespace fovea;

using fovea_test::check_exactness;
using fovea_test::check_exactness_with;

using fovea_test::shallow_vapsr;
using fovea_test::small_sizes;
using fovea_test::small_supercool;

namespace {

#if FOVEA_SANITIZED
constexpr auto photograph = {extent{20, 300}};
#else
constexpr auto photograph = {extent{171, 1000}};
#endif

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
        check_exactness<small_supercool, cpu>(small_sizes, {}, method);
        check_exactness<shallow_vapsr<4, 32, 64, 1, 2>, cpu>(small_sizes, {}, method);
        check_exactness<shallow_vapsr<2, 64, 48, 3, 1>, cpu>(small_sizes, {}, method);
    }
}
TEST_CASE("a photograph of 1000 columns tiles exactly") {
    check_exactness_with<shallow_vapsr<2, 48, 64, 1, 1>, cpu>(photograph, {}, fovea_test::large_parts);
    check_exactness_with<shallow_vapsr<2, 64, 48, 3, 1>, cpu>(photograph, {}, fovea_test::large_parts);
    check_exactness_with<small_supercool, cpu>(photograph, {}, fovea_test::large_parts);
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
TEST_CASE("less padding and channels side by side tile exactly") {
    using net = sequential<conv<3, 16, 3, relu, conv_options{.stride = 2, .padding = 0}>,
                           max_pool<3, 2, pool_options{.padding = 0, .covers = true}>,
                           concat<named<"a", conv<16, 24, 1, relu>>, named<"b", conv<16, 8, 3, relu>>>,
                           conv<32, 16, 5, identity, conv_options{.padding = 1}>, upsample<2>,
                           max_pool<2, 1, pool_options{.padding = 0}>, conv<16, 3, 3>>;
    for (auto precision : {precision_kind::float32, precision_kind::float16})
        check_exactness_with<net, cpu>({extent{37, 53}, extent{16, 15}, extent{50, 21}}, {.precision = precision});
    const auto small = fovea_test::random_tensor(1, 12, 20, 3);
    model<net, cpu> m(fovea_test::random_weights<net>());
    CHECK(smallest_side(m.traced()) == 13); // 13, 6, 3, 1, 2, 1
    CHECK_THROWS_WITH(m(small.view()), Catch::Contains("20x12") && Catch::Contains("at least 13x13"));
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

TEST_CASE("a model does not mind a budget that was too small, nor another size between") {
    using net = zoo::supercool<2, 8, 1, 1>;
    const auto weights = fovea_test::random_weights<net>();
    model<net, cpu> m(weights), fresh(weights);
    const auto x = fovea_test::random_tensor(1, 40, 50, 3), other = fovea_test::random_tensor(1, 51, 39, 3);
    const auto first = m(x.view(), {.memory_budget = 1 << 30});
    CHECK_THROWS_WITH(m(x.view(), {.memory_budget = 1}), Catch::Contains("memory budget"));
    CHECK(fovea_test::same_bits(m(other.view()), fresh(other.view())));
    CHECK(fovea_test::same_bits(m(x.view(), {.memory_budget = 1 << 30}), first));
}

TEST_CASE("the remembered schedule is that of the same size, batch and budget only") {
    using net = zoo::supercool<2, 8, 1, 1>;
    struct setting {
        extent size;
        int batch;
        std::size_t budget;
    };
    constexpr std::size_t large = 1 << 30, small = 150000;
    // The bits do not tell a schedule, the number of its bands and tiles does.
    const auto steps = [](auto& m, const setting& s, std::optional<schedule> how = {}) {
        const auto x = fovea_test::random_tensor(s.batch, s.size.height, s.size.width, 3);
        int count = 0;
        m(x.view(), {.memory_budget = s.budget, .how = how, .progress = [&](double) { ++count; }});
        return count;
    };
    const auto weights = fovea_test::random_weights<net>();
    model<net, cpu> m(weights);
    for (auto [before, now] : {std::pair{setting{{40, 50}, 1, large}, setting{{40, 50}, 1, small}},
                               {setting{{40, 50}, 1, small}, setting{{12, 50}, 1, small}},
                               {setting{{12, 50}, 1, small}, setting{{12, 500}, 1, small}},
                               {setting{{12, 50}, 1, small}, setting{{12, 50}, 4, small}}}) {
        INFO("from " << before.size.width << "x" << before.size.height << " to " << now.size.width << "x"
                     << now.size.height << ", " << now.batch << " images");
        model<net, cpu> fresh(weights);
        const int expected = steps(fresh, now);
        REQUIRE(steps(fresh, now, fresh.plan_for(before.size, before.batch, before.budget)) != expected);
        steps(m, before);
        CHECK(steps(m, now) == expected);
    }
}

namespace {

// Under every schedule, on one thread and on two.
template <class Network> void check_batch(int images, extent size, std::initializer_list<schedule> schedules) {
    context two({.threads = 2});
    const auto weights = fovea_test::random_weights<Network>();
    model<Network, cpu> on_one(weights), on_two(weights, {.threads = &two});
    const auto x = fovea_test::random_tensor(images, size.height, size.width, 3);
    std::vector<tensor<float>> alone;
    for (int n = 0; n < images; ++n)
        alone.push_back(on_one(tensor_view<const float>(x.at(n, 0, 0), 1, size.height, size.width, 3)));
    for (auto* m : {&on_one, &on_two})
        for (const schedule& how : schedules) {
            INFO(images << " images of " << size.width << "x" << size.height << ", tiles " << how.tile_height << "x"
                        << how.tile_width << ", bands " << how.band << ", threads " << (m == &on_one ? 1 : 2));
            std::vector<double> seen{0};
            const auto all = (*m)(x.view(), {.how = how, .progress = [&](double done) { seen.push_back(done); }});
            REQUIRE(all.batch() == images);
            for (int n = 0; n < images; ++n) {
                INFO("image " << n);
                const auto& one = alone[std::size_t(n)];
                CHECK(std::memcmp(one.data(), all.at(n, 0, 0), one.size() * sizeof(float)) == 0);
            }
            CHECK(std::ranges::adjacent_find(seen, std::greater_equal{}) == seen.end());
            CHECK(seen.back() == 1);
        }
}

} // namespace

TEST_CASE("a batch gives what its images give alone") {
    check_batch<shallow_vapsr<4, 32, 64, 1, 2>>(3, {19, 23}, {schedule{}, {0, 0, 16}, {0, 0, 1}, {7, 9, 0}});
    check_batch<zoo::supercool<2, 8, 1, 2>>(3, {60, 23}, {schedule{}, {0, 0, 16}, {0, 12, 8}, {7, 9, 0}});
}

TEST_CASE("a batch that runs in groups of images gives what its images give alone") {
    using net = zoo::supercool<2, 8, 1, 1>;
    model<net, cpu> m(fovea_test::random_weights<net>());
    REQUIRE(m.images_at_once({200, 200}, 3) == 1);
    check_batch<net>(3, {200, 200}, {schedule{}, {0, 0, 64}});
    REQUIRE(m.images_at_once({64, 64}, 35) == 16);
    check_batch<net>(35, {64, 64}, {schedule{}, {0, 0, 24}});
}
