#include "fovea/metrics/ssim.hpp"

#include "pictures.hpp"
#include "ssim_vectors.hpp"
#include "support/catch.hpp"

using namespace fovea;

TEST_CASE("both definitions of SSIM agree with scikit-image") {
    for (const ssim_vector& v : ssim_vectors) {
        const auto [a, b] = pair_of(v.height, v.width);
        CAPTURE(v.height, v.width);
        // Values near 1 of sums of a few hundred products of up to 255^2, relative rounding 1e-16 each, and differences
        // of such sums divided by C2 = 58: 65025 / 58 * 1e-16 * 100 is about 1e-11.
        const auto near = [](double expected) { return Approx(expected).margin(1e-10).epsilon(0); };
        CHECK(ssim(a, b) == near(v.gaussian_y));
        CHECK(ssim(a, b, {.channels = metric_channels::rgb}) == near(v.gaussian_rgb));
        CHECK(ssim_uniform(a, b) == near(v.uniform_y));
        CHECK(ssim_uniform(a, b, {.channels = metric_channels::rgb}) == near(v.uniform_rgb));
    }
}

TEST_CASE("SSIM of equal images is 1, and the crop leaves the border out") {
    auto [a, b] = pair_of(30, 30);
    CHECK(ssim(a, a) == Approx(1).margin(1e-12));
    CHECK(ssim_uniform(a, a, {.channels = metric_channels::rgb}) == Approx(1).margin(1e-12));
    b = a;
    b.row<std::uint8_t>(0)[0] ^= 255;
    CHECK(ssim(a, b) < 1 - 1e-9); // one window of 400 sees it, at its corner
    CHECK(ssim(a, b, {.crop = 1}) == Approx(1).margin(1e-12));
}

TEST_CASE("SSIM refuses images smaller than its window") {
    const image small(10, 30, 3);
    CHECK_THROWS_AS(ssim(small, small), error);
    CHECK_NOTHROW(ssim_uniform(small, small));
    CHECK_THROWS_AS(ssim_uniform(small, small, {.crop = 2}), error);
}
