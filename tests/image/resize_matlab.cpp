#include "fovea/image/resize_matlab.hpp"

#include <filesystem>
#include <string>

#include "fovea/image/crop.hpp"
#include "fovea/io/image/read.hpp"
#include "support/catch.hpp"
#include "support/data.hpp"

namespace fs = std::filesystem;
using namespace fovea;

// The published low-resolution files of Set5 and Set14 are the oracle: every sample of every file, no tolerance.
TEST_CASE("resize_matlab reproduces every published file of Set5 and Set14 at x2, x3 and x4") {
    FOVEA_NEEDS_DATA(folder, "data/test");
    int files = 0;
    for (const std::string set : {"Set5", "Set14"})
        for (const auto& entry : fs::directory_iterator(folder / set / "HR"))
            for (const int scale : {2, 3, 4}) {
                const image hr = crop_to_multiple(read_image(entry.path()), scale);
                const std::string suffix = text_of("x", scale);
                const auto path = folder / set / ("LRbic" + suffix) / (entry.path().stem().string() + suffix + ".png");
                const image published = read_image(path);
                CAPTURE(path.string());
                CHECK(resize_matlab(hr, hr.height() / scale, hr.width() / scale) == published);
                ++files;
            }
    CHECK(files == 57);
}

TEST_CASE("resize_matlab keeps constants, identities and mirror symmetry") {
    image in(5, 7, 3);
    for (int y = 0; y < 5; ++y)
        for (std::size_t i = 0; i < 21; ++i) in.row<std::uint8_t>(y)[i] = std::uint8_t(i % 3 == 0 ? 255 : i % 3 * 7);
    for (const int height : {1, 3, 5, 9})
        for (const int width : {1, 2, 7, 20}) {
            const image out = resize_matlab(in, height, width);
            REQUIRE(out.height() == height);
            REQUIRE(out.width() == width);
            CHECK(out == resize_matlab(resize_matlab(in, 1, 1), height, width));
        }
    image edge(1, 8, 1);
    for (std::size_t i = 0; i < 8; ++i) edge.row<std::uint8_t>(0)[i] = i < 4 ? 20 : 220;
    CHECK(resize_matlab(edge, 1, 8) == edge);
    const image wide = resize_matlab(edge, 1, 16);
    for (std::size_t i = 0; i < 16; ++i) // 20 and 220 are at the same distance of 120: mirrored samples sum to 240
        CHECK(wide.row<std::uint8_t>(0)[i] + wide.row<std::uint8_t>(0)[15 - i] == 240);
    CHECK(wide.row<std::uint8_t>(0)[6] < 20); // the kernel's negative lobe
}

TEST_CASE("resize_matlab of 16-bit and float samples follows the 8-bit result") {
    image in(9, 9, 2);
    for (int y = 0; y < 9; ++y)
        for (std::size_t i = 0; i < 18; ++i)
            in.row<std::uint8_t>(y)[i] = std::uint8_t(60 + 37 * (y * 18 + int(i)) % 130);
    const image eight = resize_matlab(in, 4, 13);
    const image sixteen = resize_matlab(with_type(in, sample_type::u16), 4, 13);
    const image real = resize_matlab(with_type(in, sample_type::f32), 4, 13);
    for (int y = 0; y < 4; ++y)
        for (std::size_t i = 0; i < 26; ++i) {
            // Two roundings of half a step of 8 bits, the first weighted by a kernel whose weights sum to under 1.3 in
            // absolute value: 0.65 + 0.5; 0.01 more for the roundings of 16 bits.
            CHECK(std::abs(sixteen.row<std::uint16_t>(y)[i] / 257. - eight.row<std::uint8_t>(y)[i]) < 1.16);
            CHECK(std::abs(real.row<float>(y)[i] * 255. - sixteen.row<std::uint16_t>(y)[i] / 257.) < 0.01);
        }
}

TEST_CASE("resize_matlab refuses empty sizes") {
    CHECK_THROWS_AS(resize_matlab(image(2, 2, 1), 0, 2), error);
    CHECK_THROWS_AS(resize_matlab(image(), 2, 2), error);
}
