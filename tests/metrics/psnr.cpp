#include "fovea/metrics/psnr.hpp"

#include <cmath>

#include "support/catch.hpp"

using namespace fovea;

namespace {

image filled(int height, int width, int channels, std::uint8_t value) {
    image out(height, width, channels);
    for (int y = 0; y < height; ++y) std::ranges::fill(out.row<std::uint8_t>(y), value);
    return out;
}

} // namespace

TEST_CASE("psnr of a constant difference is its definition") {
    const image a = filled(6, 9, 3, 100), b = filled(6, 9, 3, 110);
    CHECK(psnr(a, b, {.channels = metric_channels::rgb}) == Approx(20 * std::log10(255 / 10.)));
    // Y of a gray step of 10 is 10 * 219 / 255.
    CHECK(psnr(a, b) == Approx(20 * std::log10(255 / (10 * 219 / 255.))));
    CHECK(luma_bt601(255, 255, 255) == Approx(235));
    CHECK(luma_bt601(255, 0, 0) == Approx(81.481));
}

TEST_CASE("psnr counts one channel of three, and what the crop leaves") {
    image a = filled(8, 8, 3, 50), b = a;
    b.row<std::uint8_t>(4)[3 * 4 + 2] = 70;
    CHECK(psnr(a, b, {.channels = metric_channels::rgb}) == Approx(10 * std::log10(255. * 255 * 192 / 400)));
    CHECK(psnr(a, b, {.channels = metric_channels::rgb, .crop = 3}) == Approx(10 * std::log10(255. * 255 * 12 / 400)));
    a = b;
    b.row<std::uint8_t>(0)[0] = 0;
    CHECK(std::isinf(psnr(a, b, {.crop = 1})));
    CHECK(std::isinf(psnr(a, a)));
}

TEST_CASE("psnr takes gray as three equal channels and other sample types in the scale of 8 bits") {
    const image gray = filled(5, 5, 1, 30), rgb = filled(5, 5, 3, 40), with_alpha = filled(5, 5, 4, 40);
    CHECK(psnr(gray, rgb) == Approx(psnr(filled(5, 5, 3, 30), rgb)));
    CHECK(psnr(gray, with_alpha) == psnr(gray, rgb));
    CHECK(psnr(with_type(gray, sample_type::u16), rgb) == Approx(psnr(gray, rgb)));
    CHECK(psnr(with_type(gray, sample_type::f32), rgb) == Approx(psnr(gray, rgb)));
}

TEST_CASE("psnr refuses images that cannot be compared") {
    CHECK_THROWS_AS(psnr(filled(4, 4, 3, 0), filled(4, 5, 3, 0)), error);
    CHECK_THROWS_AS(psnr(filled(4, 4, 3, 0), filled(4, 4, 3, 0), {.crop = 2}), error);
}
