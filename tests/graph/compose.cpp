#include "fovea/layers/compose.hpp"

#include "fovea/layers/conv.hpp"
#include "fovea/layers/norm.hpp"
#include "fovea/layers/resize.hpp"
#include "fovea/zoo/critic.hpp"
#include "fovea/zoo/realesr.hpp"
#include "fovea/zoo/supercool.hpp"
#include "fovea/zoo/vapsr.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

using namespace fovea;

namespace {

using block = residual<conv<64, 128, 3, silu>, conv<128, 64, 3>>;
using network =
    sum<sequential<conv<3, 64, 5>, repeat<16, block>, conv<64, 3 * 4 * 4, 3>, pixel_shuffle<4>>, upsample<4, bicubic>>;
static_assert(network::scale == 4 && network::receptive_radius == 35);
static_assert(network::in_channels == 3 && network::out_channels(3) == 3);

// Parameter counts as the published networks have them.
static_assert(parameters_of<zoo::vapsr_s>() == 154956 && parameters_of<zoo::vapsr_x2>() == 329236);
static_assert(parameters_of<zoo::vapsr_x3>() == 336811 && parameters_of<zoo::vapsr_x4>() == 342220);
static_assert(parameters_of<zoo::vapsr_3x3_x2>() == 793252 && parameters_of<zoo::realesr_compact<>>() == 621424);
static_assert(parameters_of<zoo::supercool<4, 64, 2, 16>>() == 2398112);
static_assert(parameters_of<zoo::supercool<4, 64, 2, dynamic>>({{"encoder", 16}}) == 2398112);
static_assert(radius_of<zoo::vapsr_3x3_x2>() == 184);

// A layer by hand whose second input is twice as large as the first.
struct reads_two_scales : maps<3, 3> {
    template <class T, ratio S> static constexpr value<3, S> trace(T& t, value<3, S> x) {
        const auto large = upsample<2>::trace(t, x);
        return t.template emit<add, 3, S>({.x = {x.id, large.id}});
    }
};

template <class Network> std::vector<std::string> weight_names(const depths& d = {}) {
    std::vector<std::string> names;
    const graph g = shapes_of<Network>(d);
    for (auto& w : g.weights)
        if (w.kind != weight_kind::derived) names.push_back(g.name(w));
    return names;
}

} // namespace

TEST_CASE("the critic has as many parameters as published") {
    CHECK(parameters_of<zoo::critic_small>() == 23483521);
    CHECK(shapes_of<zoo::critic_small>().tensors.back().channels == 1);
    CHECK(shapes_of<zoo::critic_small>().tensors.back().scale == ratio{0});
}

TEST_CASE("unnamed layers are numbered, named ones named, weight norm is a pair") {
    using net = sequential<conv<3, 4, 3>, named<"mid", weight_norm<conv<4, 4, 1>>>, silu, layer_norm<4>>;
    CHECK(weight_names<net>() == std::vector<std::string>{"0.weight", "0.bias", "mid.weight_g", "mid.weight_v",
                                                          "mid.bias", "3.weight", "3.bias"});
}

TEST_CASE("repeat numbers its blocks, at compile time and at run time alike") {
    using fixed = named<"body", repeat<3, residual<conv<2, 2, 3>>>>;
    using open = named<"body", repeat<dynamic, residual<conv<2, 2, 3>>>>;
    const auto names = weight_names<fixed>();
    REQUIRE(names.size() == 6);
    CHECK(names[4] == "body.2.0.weight");
    CHECK(names == weight_names<open>({{"body", 3}}));
    CHECK(weight_names<open>({{"body", 7}}).size() == 14);
}

TEST_CASE("scale is rational") {
    using down = sequential<conv<3, 8, 3, relu, conv_options{.stride = 2}>, max_pool<3, 2>>;
    CHECK((down::scale == ratio{1, 4}));
    CHECK((sequential<down, upsample<8>>::scale == 2));
    const auto sizes = extents_of(shapes_of<down>(), {17, 8});
    CHECK(sizes.back().height == 5);
    CHECK(sizes.back().width == 2);
}

TEST_CASE("an operation that reads values of two scales is refused") {
    CHECK(fovea_test::error_of([] { shapes_of<reads_two_scales>(); }).find("reads two values of different scales") !=
          std::string::npos);
}

TEST_CASE("a graph can be cut after a named layer") {
    graph g = shapes_of<zoo::vapsr_s>();
    REQUIRE(truncate(g, "body.0.atten_branch"));
    CHECK(g.tensors.back().channels == 64);
    CHECK(g.operations.back().y == int(g.tensors.size()) - 1);
    CHECK_FALSE(truncate(g, "body.0.nothing"));
}
