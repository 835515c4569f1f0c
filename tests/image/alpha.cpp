#include "fovea/image/alpha.hpp"

#include <array>

#include "fovea/image/resize_matlab.hpp"
#include "pictures.hpp"
#include "support/catch.hpp"

using namespace fovea;
using namespace fovea_test;

TEST_CASE("transparent pixels take the colours around them, ring by ring") {
    image in(1, 6, 2);
    const std::array<std::uint8_t, 12> samples{0, 0, 0, 0, 100, 255, 0, 0, 200, 1, 77, 0};
    std::ranges::copy(samples, in.row<std::uint8_t>(0).begin());
    const image out = with_bled_colours(in);
    CHECK(std::ranges::equal(out.row<std::uint8_t>(0), std::array{100, 0, 100, 0, 100, 255, 150, 0, 200, 1, 200, 0}));
}

TEST_CASE("visible pixels and alpha stay, whatever is far away") {
    image in = varied(23, 31, 4);
    for (int y = 0; y < 23; ++y)
        for (std::size_t x = 0; x < 31; ++x)
            if (x < 20) in.row<std::uint8_t>(y)[4 * x + 3] = 0;
    const image out = with_bled_colours(in);
    for (int y = 0; y < 23; ++y)
        for (std::size_t x = 0; x < 31; ++x) {
            const std::span<const std::uint8_t> before = in.row<std::uint8_t>(y).subspan(4 * x, 4),
                                                after = out.row<std::uint8_t>(y).subspan(4 * x, 4);
            CHECK(before[3] == after[3]);
            if (before[3] > 0) CHECK(std::ranges::equal(before, after));
        }
    CHECK(with_bled_colours(out) != in);
}

TEST_CASE("a bled edge does not darken when it is enlarged") {
    image in(8, 8, 4);
    for (int y = 0; y < 8; ++y)
        for (std::size_t x = 4; x < 8; ++x)
            std::ranges::fill(in.row<std::uint8_t>(y).subspan(4 * x, 4), std::uint8_t(255));
    const auto darkest = [](const image& large) {
        std::uint8_t least = 255;
        for (std::size_t x = 0; x < 16; ++x)
            if (large.row<std::uint8_t>(8)[4 * x + 3] > 0) least = std::min(least, large.row<std::uint8_t>(8)[4 * x]);
        return int(least);
    };
    CHECK(darkest(resize_matlab(in, 16, 16)) < 200);
    CHECK(darkest(resize_matlab(with_bled_colours(in), 16, 16)) == 255);
}

TEST_CASE("images without alpha or without visible pixels stay as they are") {
    CHECK(with_bled_colours(varied(4, 4, 3)) == varied(4, 4, 3));
    CHECK(with_bled_colours(image(3, 3, 4)) == image(3, 3, 4));
    image real(1, 2, 2, sample_type::f32);
    real.row<float>(0)[2] = 0.3f;
    real.row<float>(0)[3] = 1;
    CHECK(with_bled_colours(real).row<float>(0)[0] == 0.3f);
}
