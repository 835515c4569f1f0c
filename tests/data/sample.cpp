#include "fovea/data/sample.hpp"

#include <set>

#include "fovea/image/resize_matlab.hpp"
#include "support.hpp"

using namespace fovea;
using namespace fovea_test;

namespace {

picture_pair pair_of(const image& high, int scale) {
    return {high, resize_matlab(high, high.height() / scale, high.width() / scale)};
}

bool in_unit_range(const image& in) {
    for (int y = 0; y < in.height(); ++y)
        for (const float v : in.row<float>(y))
            if (!(v >= 0 && v <= 1)) return false;
    return true;
}

std::span<float> numbers(image& in) {
    return {reinterpret_cast<float*>(in.data()), in.row<float>(0).size() * std::size_t(in.height())};
}

} // namespace

TEST_CASE("paired parts are cut at the same place of both pictures") {
    const picture_pair whole = pair_of(varied(44, 60, 3), 4);
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        random_stream random(seed), same(seed);
        const auto s = make_sample(whole, {.scale = 4, .augment = plain_part(16)}, random);
        const crop_box at = random_crop(11, 15, 4, 4, same);
        CHECK(s.input == with_type(crop(whole.low, at), sample_type::f32));
        CHECK(s.target == with_type(crop(whole.high, 4 * at.y, 4 * at.x, 16, 16), sample_type::f32));
    }
}

TEST_CASE("paired parts are mirrored, turned and brightened alike") {
    const picture_pair whole = pair_of(varied(16, 16, 3), 2);
    const image low = with_type(whole.low, sample_type::f32), high = with_type(whole.high, sample_type::f32);
    std::set<int> seen;
    random_stream random(1);
    for (int i = 0; i < 100; ++i) {
        const auto s = make_sample(whole, {.scale = 2, .augment = {.size = 16}}, random);
        for (int orientation = 1; orientation <= 8; ++orientation)
            if (s.target == upright(high, orientation)) {
                seen.insert(orientation);
                CHECK(s.input == upright(low, orientation));
            }
    }
    CHECK(seen.size() == 8);

    augmentation darker = plain_part(16);
    darker.brightness = {.low = 0.5f, .high = 0.5f, .probability = 1};
    const auto s = make_sample(whole, {.scale = 2, .augment = darker}, random);
    CHECK(s.target == adjust_brightness(high, 0.5f));
    CHECK(s.input == adjust_brightness(low, 0.5f));
}

TEST_CASE("an antialiased input is made of the finished target") {
    const picture_pair whole{varied(40, 50, 3), {}};
    for (augmentation a : {vapsr_augmentation, supercool_augmentation}) {
        a.size = 24;
        random_stream random(4);
        for (int i = 0; i < 10; ++i) {
            auto s = make_sample(whole, {.scale = 3, .degradation = degradation_kind::antialias, .augment = a}, random);
            CHECK((s.target.height() == 24 && s.target.width() == 24 && s.target.channels() == 3));
            CHECK(in_unit_range(s.target));
            CHECK(in_unit_range(s.input));
            image expected = resize_pillow(s.target, 8, 8);
            for (float& v : numbers(expected)) v = std::clamp(v, 0.f, 1.f);
            CHECK(s.input == expected);
        }
    }
}

TEST_CASE("what bicubic overshoots is clamped") {
    image edge = flat(32, 32, 0); // black and white halves: overshoot on both sides of the edge
    for (int y = 0; y < 32; ++y) std::ranges::fill(edge.row<std::uint8_t>(y).subspan(48), std::uint8_t(255));
    const image overshot = resize_pillow(with_type(edge, sample_type::f32), 20, 20);
    REQUIRE_FALSE(in_unit_range(overshot));
    augmentation a{.size = 20, .resized = resized_crop_options{.least_area = 1}, .mirror = 0, .turn = 0};
    random_stream random(1);
    const auto s =
        make_sample({edge, {}}, {.scale = 2, .degradation = degradation_kind::antialias, .augment = a}, random);
    CHECK(in_unit_range(s.target));
    CHECK(in_unit_range(s.input));
}

TEST_CASE("samples of 16 bits keep them") {
    const image deep = varied(8, 8, 3, sample_type::u16);
    random_stream random(1);
    const auto s = make_sample(pair_of(deep, 2), {.scale = 2, .augment = plain_part(8)}, random);
    CHECK(s.target == with_type(deep, sample_type::f32));
    CHECK(with_type(s.target, sample_type::u16) == deep);
}

TEST_CASE("a sample is drawn from its stream alone") {
    const picture_pair whole{varied(60, 60, 3), {}};
    augmentation a = supercool_augmentation;
    a.size = 16;
    const auto draw = [&](std::uint64_t stream) {
        random_stream random(3, stream);
        return make_sample(whole, {.degradation = degradation_kind::antialias, .augment = a}, random).target;
    };
    CHECK(draw(1) == draw(1));
    CHECK(draw(1) != draw(2));
}

TEST_CASE("samples in another colour space are the same samples") {
    const picture_pair whole = pair_of(varied(20, 20, 3), 2);
    for (const auto space : {colour_space::yuv, colour_space::oklab}) {
        random_stream a(1), b(1);
        const auto rgb = make_sample(whole, {.augment = {.size = 16}}, a);
        auto other = make_sample(whole, {.augment = {.size = 16}, .colours = space}, b);
        CHECK(other.target != rgb.target);
        to_rgb(space, numbers(other.target));
        to_rgb(space, numbers(other.input));
        for (int y = 0; y < 8; ++y)
            for (std::size_t i = 0; i < 24; ++i) // tolerance: as in the tests of colour spaces
                CHECK(other.input.row<float>(y)[i] == Approx(rgb.input.row<float>(y)[i]).margin(2e-5));
    }
}

TEST_CASE("options that do not go together are named") {
    const auto reason = [](const sample_options& o, bool paired) { return error_of([&] { check(o, paired); }); };
    CHECK(reason({}, true).empty());
    CHECK(
        contains(reason({.scale = 3, .augment = {.size = 64}}, true), "size 64: expected a multiple of the scale, 3"));
    CHECK(contains(reason({.scale = 0}, true), "scale"));
    CHECK(contains(reason({.augment = supercool_augmentation}, true), "resized crop"));
    augmentation jittered;
    jittered.jitter.hue = 0.1f;
    CHECK(contains(reason({.augment = jittered}, true), "colour jitter"));
    CHECK(reason({.augment = jittered}, false).empty());
}
