#include "fovea/image/orientation.hpp"

#include <array>
#include <string>
#include <vector>

#include "fovea/io/image/read.hpp"
#include "pictures.hpp"
#include "support/catch.hpp"
#include "support/data.hpp"

using namespace fovea;
using namespace fovea_test;

namespace {

// An EXIF block with one entry before the orientation.
std::vector<std::byte> exif(bool little, int orientation) {
    std::vector<std::byte> out;
    const auto put = [&](std::uint32_t value, int size) {
        for (int i = 0; i < size; ++i) out.push_back(std::byte(value >> 8 * (little ? i : size - 1 - i) & 255));
    };
    out.assign(2, std::byte(little ? 'I' : 'M'));
    put(42, 2);
    put(8, 4);
    put(2, 2);
    put(0x010f, 2), put(2, 2), put(1, 4), put(0, 4);
    put(0x0112, 2), put(3, 2), put(1, 4), put(std::uint32_t(orientation), 2), put(0, 2);
    put(0, 4);
    return out;
}

} // namespace

// Stored 1 2 3 / 4 5 6; what is seen, worked out by hand from the figures of the standard.
TEST_CASE("the eight orientations") {
    image stored(2, 3, 1);
    for (std::size_t i = 0; i < 6; ++i) stored.row<std::uint8_t>(int(i) / 3)[i % 3] = std::uint8_t(i + 1);
    const std::array<std::string, 8> seen{"123/456",  "321/654",  "654/321",  "456/123",
                                          "14/25/36", "41/52/63", "63/52/41", "36/25/14"};
    for (int o = 1; o <= 8; ++o) {
        const image in = upright(stored, o);
        std::string text;
        for (int y = 0; y < in.height(); ++y) {
            if (y > 0) text += '/';
            for (const std::uint8_t v : in.row<std::uint8_t>(y)) text += char('0' + v);
        }
        CAPTURE(o);
        CHECK(text == seen[std::size_t(o - 1)]);
    }
    CHECK_THROWS_AS(upright(stored, 9), error);
}

TEST_CASE("pixels are moved whole") {
    const image in = varied(4, 5, 3, sample_type::u16);
    CHECK(upright(upright(in, 6), 8) == in);
    CHECK(upright(upright(in, 5), 5) == in);
    CHECK(upright(in, 6).row<std::uint16_t>(0)[1] == in.row<std::uint16_t>(3)[1]);
}

TEST_CASE("EXIF is read in both byte orders and cut anywhere") {
    for (const bool little : {false, true}) {
        for (int o = 1; o <= 8; ++o) CHECK(exif_orientation(exif(little, o)) == o);
        CHECK(exif_orientation(exif(little, 9)) == 1);
        CHECK(exif_orientation(exif(little, 0)) == 1);
        const auto whole = exif(little, 6);
        for (std::size_t size = 0; size < 34; ++size) CHECK(exif_orientation(std::span(whole).first(size)) == 1);
        auto with_prefix = whole;
        for (const char c : {'\0', '\0', 'f', 'i', 'x', 'E'}) with_prefix.insert(with_prefix.begin(), std::byte(c));
        CHECK(exif_orientation(with_prefix) == 6);
    }
}

TEST_CASE("files are turned as their EXIF says") {
    FOVEA_NEEDS_DATA(folder, "data/formats/pillow_valid");
    const image photograph = read_image(folder / "hopper.bmp");
    for (const std::string extension : {".jpg", ".webp"}) {
        if (extension == ".webp" && !FOVEA_WITH_LIBWEBP) continue;
        for (int o = 2; o <= 8; ++o) {
            const auto path = folder / text_of("hopper_orientation_", o, extension);
            CAPTURE(path.string());
            CHECK(mean_difference(read_image(path), photograph) < 8); // lossy; turned wrongly it is above 50
            CHECK(mean_difference(read_image(path, {.apply_orientation = false}), photograph) > 30);
        }
    }
}
