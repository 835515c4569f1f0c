#include "fovea/image/convert.hpp"

#include <array>
#include <limits>

#include "fovea/image/crop.hpp"
#include "fovea/image/format.hpp"
#include "pictures.hpp"
#include "support/catch.hpp"

using namespace fovea;
using namespace fovea_test;

TEST_CASE("every 8-bit value survives 16 bits and floats") {
    image in(1, 256, 1);
    for (std::size_t i = 0; i < 256; ++i) in.row<std::uint8_t>(0)[i] = std::uint8_t(i);
    const image wide = with_type(in, sample_type::u16);
    for (std::size_t i = 0; i < 256; ++i) CHECK(wide.row<std::uint16_t>(0)[i] == i * 257);
    CHECK(with_type(wide, sample_type::u8) == in);
    CHECK(with_type(with_type(in, sample_type::f32), sample_type::u8) == in);
}

TEST_CASE("floats are clamped and rounded, and not-a-number is black") {
    image in(1, 5, 1, sample_type::f32);
    const std::array values{-1.f, 2.f, 0.5f, 1.49f / 255, std::numeric_limits<float>::quiet_NaN()};
    std::ranges::copy(values, in.row<float>(0).begin());
    CHECK(std::ranges::equal(with_type(in, sample_type::u8).row<std::uint8_t>(0), std::array{0, 255, 128, 1, 0}));
}

TEST_CASE("channels are added and taken away, gray is spread, RGB is not mixed") {
    image gray(1, 1, 2);
    gray.row<std::uint8_t>(0)[0] = 9;
    gray.row<std::uint8_t>(0)[1] = 77;
    CHECK(std::ranges::equal(with_channels(gray, 4).row<std::uint8_t>(0), std::array{9, 9, 9, 77}));
    CHECK(std::ranges::equal(with_channels(gray, 3).row<std::uint8_t>(0), std::array{9, 9, 9}));
    const image opaque = with_channels(with_channels(gray, 1), 2);
    CHECK(std::ranges::equal(opaque.row<std::uint8_t>(0), std::array{9, 255}));
    CHECK(with_channels(with_type(opaque, sample_type::f32), 4).row<float>(0)[3] == 1.f);
    CHECK_THROWS_AS(with_channels(image(1, 1, 3), 1), error);
}

TEST_CASE("crops") {
    const image in = varied(6, 7, 3, sample_type::u16);
    const image part = crop(in, 2, 3, 4, 2);
    CHECK(part.row<std::uint16_t>(3)[5] == in.row<std::uint16_t>(5)[14]);
    CHECK(part.row<std::uint16_t>(0)[0] == in.row<std::uint16_t>(2)[9]);
    const image even = crop_to_multiple(in, 4);
    CHECK(even.height() == 4);
    CHECK(even.width() == 4);
    CHECK_THROWS_AS(crop(in, 2, 3, 5, 2), error);
    CHECK_THROWS_AS(crop(in, -1, 0, 1, 1), error);
    CHECK_THROWS_AS(crop_to_multiple(in, 7), error);
}

TEST_CASE("names of files to write") {
    CHECK(format_of_name("a/b.c/photo.PNG") == image_format::png);
    CHECK(format_of_name("photo.Jpeg") == image_format::jpeg);
    CHECK(format_of_name("photo.webp") == image_format::webp);
    CHECK(format_of_name("photo.png.txt") == image_format::unknown);
    CHECK(format_of_name("png") == image_format::unknown);
}
