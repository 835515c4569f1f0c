#include "fovea/image/colour_space.hpp"

#include <vector>

#include "fovea/core/random.hpp"
#include "pictures.hpp"
#include "support/catch.hpp"

using namespace fovea;
using namespace fovea_test;

namespace {

void check_colour(colour_space space, std::vector<float> rgb, const std::vector<double>& expected, double margin) {
    CAPTURE(rgb);
    from_rgb(space, rgb);
    for (std::size_t i = 0; i < 3; ++i) CHECK(double(rgb[i]) == Approx(expected[i]).margin(margin).epsilon(0));
}

} // namespace

// By hand from the standard: red has V = (1 - 0.2126) / 1.5748 = 0.5, blue U = 0.5. Float: 2^-23.
TEST_CASE("YUV of BT.709") {
    check_colour(colour_space::yuv, {0, 0, 0}, {0, 0, 0}, 0);
    check_colour(colour_space::yuv, {1, 1, 1}, {1, 0, 0}, 1.2e-7);
    check_colour(colour_space::yuv, {1, 0, 0}, {0.2126, -0.2126 / 1.8556, 0.5}, 1.2e-7);
    check_colour(colour_space::yuv, {0, 1, 0}, {0.7152, -0.7152 / 1.8556, -0.7152 / 1.5748}, 1.2e-7);
    check_colour(colour_space::yuv, {0, 0, 1}, {0.0722, 0.5, -0.0722 / 1.5748}, 1.2e-7);
}

// Values that are quoted for OKLAB everywhere, to the digits that are quoted: half a unit of the fifth.
TEST_CASE("OKLAB of the primaries") {
    check_colour(colour_space::oklab, {0, 0, 0}, {0, 0, 0}, 0);
    check_colour(colour_space::oklab, {1, 1, 1}, {1, 0, 0}, 5e-6);
    check_colour(colour_space::oklab, {1, 0, 0}, {0.62796, 0.22486, 0.12585}, 6e-6);
    check_colour(colour_space::oklab, {0, 1, 0}, {0.86644, -0.23389, 0.17950}, 6e-6);
    check_colour(colour_space::oklab, {0, 0, 1}, {0.45201, -0.03246, -0.31153}, 6e-6);
}

// YUV: factors below 2 and a division by 0.7152, some six roundings of 2^-24: 1e-6. OKLAB: a rounding of 6e-8 in a root
// near 1 is three times that in its cube, and up to 4.08 + 3.31 + 0.23 times that in a channel; near black the curve is
// 12.92 times as steep, where roots, and with them their cubes' errors, are small: 2e-5 has room for both.
TEST_CASE("colours come back") {
    random_stream random(3);
    std::vector<float> original(3 * 20000);
    for (float& v : original) v = random.uniform();
    for (const auto& [space, margin] :
         {std::pair{colour_space::rgb, 0.}, {colour_space::yuv, 1e-6}, {colour_space::oklab, 2e-5}}) {
        auto there = original;
        from_rgb(space, there);
        CHECK((there == original) == (space == colour_space::rgb));
        to_rgb(space, there);
        double worst = 0;
        for (std::size_t i = 0; i < there.size(); ++i)
            worst = std::max(worst, std::abs(double(there[i]) - double(original[i])));
        CHECK(worst <= margin);
    }
}

TEST_CASE("what a network gives outside the range stays finite and comes back") {
    for (const auto space : {colour_space::yuv, colour_space::oklab}) {
        std::vector<float> pixel{-0.1f, 1.2f, 0.5f}, there = pixel;
        from_rgb(space, there);
        to_rgb(space, there);
        for (std::size_t i = 0; i < 3; ++i) CHECK(there[i] == Approx(pixel[i]).margin(2e-5)); // as above
    }
}

TEST_CASE("colour spaces by name") {
    CHECK(colour_space_of("rgb") == colour_space::rgb);
    CHECK(colour_space_of("yuv") == colour_space::yuv);
    CHECK(colour_space_of("oklab") == colour_space::oklab);
    CHECK(error_of([] { colour_space_of("lab"); }) == "colour space 'lab': expected rgb, yuv or oklab");
    std::vector<float> four(4);
    CHECK(contains(error_of([&] { from_rgb(colour_space::yuv, four); }), "4 numbers"));
}
