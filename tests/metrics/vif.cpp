#include "fovea/metrics/vif.hpp"

#include "pictures.hpp"
#include "support/catch.hpp"
#include "vectors/vif_vectors.hpp"

using namespace fovea;

namespace {

constexpr metric_options rgb{.channels = metric_channels::rgb};

image with_flat_part(const image& in) { // the upper left quarter is one colour
    image out = in;
    for (int y = 0; y < in.height() / 2; ++y)
        for (int x = 0; x < in.width() / 2; ++x)
            for (int c = 0; c < 3; ++c) out.row<std::uint8_t>(y)[std::size_t(3 * x + c)] = std::uint8_t(80 + 10 * c);
    return out;
}

} // namespace

TEST_CASE("VIF agrees with torchmetrics") {
    for (const vif_vector& v : vif_vectors) {
        const auto [a, b] = pair_of(v.height, v.width);
        CAPTURE(v.height, v.width);
        // Variances of values up to 255 have a rounding of 255^2 * 1e-16 * 100 = 1e-9 beside the noise's 2. Where a
        // part is flat, its variance is nothing but that rounding, and whether it passes 1e-10 is chance: such a window
        // tells log(1 + 1e-9) or nothing.
        const auto near = [](double expected) { return Approx(expected).margin(1e-8).epsilon(0); };
        CHECK(vif(b, a) == near(v.y));
        CHECK(vif(b, a, rgb) == near(v.rgb));
        CHECK(vif(a, b, rgb) == near(v.swapped_rgb));
        CHECK(vif(b, with_flat_part(a), rgb) == near(v.flat_original));
        CHECK(vif(with_flat_part(b), a, rgb) == near(v.flat_made));
    }
}

TEST_CASE("VIF of equal images is 1, and the crop leaves the border out") {
    auto [a, b] = pair_of(60, 60);
    CHECK(vif(a, a) == Approx(1).margin(1e-9));
    b = a;
    b.row<std::uint8_t>(0)[0] ^= 255;
    CHECK(vif(b, a) < 1 - 1e-6);
    CHECK(vif(b, a, {.crop = 1}) == Approx(1).margin(1e-9));
    const image flat(60, 60, 3);
    CHECK(vif(a, flat) == 1);
    CHECK(vif(flat, a) == Approx(0).margin(1e-9));
}

TEST_CASE("VIF refuses images smaller than its windows") {
    const image small(40, 60, 3);
    CHECK_THROWS_WITH(vif(small, small), Catch::Contains("at least 41"));
}
