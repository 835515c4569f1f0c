#include "fovea/image/write.hpp"

#include <filesystem>
#include <string>

#include "fovea/image/read.hpp"
#include "pictures.hpp"
#include "support/catch.hpp"
#include "support/scratch.hpp"

namespace fs = std::filesystem;
using namespace fovea;
using namespace fovea_test;

TEST_CASE("PNG gives back 8 and 16 bits with 1 to 4 channels") {
    const scratch_folder folder;
    for (const sample_type type : {sample_type::u8, sample_type::u16})
        for (int channels = 1; channels <= 4; ++channels)
            for (const int width : {1, 7, 64}) {
                const image in = varied(9, width, channels, type);
                CAPTURE(int(type), channels, width);
                write_image(folder.path / "a.png", in);
                CHECK(read_image(folder.path / "a.png") == in);
            }
    const image wide = varied(2, 30000, 4, sample_type::u16); // rows longer than a block of any coder
    write_image(folder.path / "a.png", wide, {.compression = 1});
    CHECK(read_image(folder.path / "a.png") == wide);
    CHECK(folder.entries() == 1);
}

TEST_CASE("PNG holds floats as 16 bits, clamped and rounded") {
    const scratch_folder folder;
    image in(1, 4, 1, sample_type::f32);
    const std::array values{-0.5f, 0.5f, 1.f, 7.f};
    std::ranges::copy(values, in.row<float>(0).begin());
    write_image(folder.path / "a.png", in);
    const image out = read_image(folder.path / "a.png");
    REQUIRE(out.type() == sample_type::u16);
    CHECK(std::ranges::equal(out.row<std::uint16_t>(0), std::array{0, 32768, 65535, 65535}));
}

#if FOVEA_WITH_LIBJPEG
TEST_CASE("JPEG keeps gray and colours within its loss, and composes alpha over the background") {
    const scratch_folder folder;
    const fs::path path = folder.path / "a.JPG";
    for (const int channels : {1, 3}) {
        image in(40, 50, channels); // smooth: what JPEG is made for
        for (int y = 0; y < 40; ++y)
            for (std::size_t i = 0; i < in.row_bytes(); ++i) in.row<std::uint8_t>(y)[i] = std::uint8_t(y * 3 + int(i));
        write_image(path, in, {.quality = 100});
        // At quality 100 the quantisation step is 1 in the frequency domain and colours are rounded twice.
        CHECK(mean_difference(read_image(path), in) < 1.5);
        const auto size = fs::file_size(path);
        write_image(path, in, {.quality = 10});
        CHECK(fs::file_size(path) < size / 2);
    }
    image clear(8, 8, 4);
    write_image(path, clear);
    CHECK(read_image(path).row<std::uint8_t>(3)[5] == 255);
    write_image(path, clear, {.background = 0});
    CHECK(read_image(path).row<std::uint8_t>(3)[5] == 0);
    write_image(path, varied(8, 8, 3, sample_type::u16));
    CHECK(read_image(path).type() == sample_type::u8);
    CHECK(contains(error_of([&] { write_image(path, image(1, 65501, 1)); }), "a.JPG: cannot write JPEG: "));
    CHECK(read_image(path).width() == 8); // what was there stays
    CHECK(folder.entries() == 1);
}
#endif

#if FOVEA_WITH_LIBWEBP
TEST_CASE("lossless WebP gives back RGB and RGBA, with the colours under transparent pixels") {
    const scratch_folder folder;
    const fs::path path = folder.path / "a.webp";
    for (const int channels : {3, 4}) {
        const image in = varied(13, 21, channels);
        write_image(path, in, {.lossless = true});
        CHECK(read_image(path) == in);
        write_image(path, in, {.quality = 90});
        CHECK(read_image(path).channels() == channels);
        CHECK_FALSE(read_image(path) == in);
    }
    write_image(path, varied(5, 5, 1), {.lossless = true});
    CHECK(read_image(path) == with_channels(varied(5, 5, 1), 3));
    CHECK(contains(error_of([&] { write_image(path, image(1, 16384, 3)); }), "expected at most 16383 on each side"));
    CHECK(read_image(path).width() == 5);
    CHECK(folder.entries() == 1);
}
#endif

TEST_CASE("outputs that cannot be written give one error and leave nothing") {
    const scratch_folder folder;
    const image in = varied(64, 64, 3);
    for (const std::string name : {"a.png", "a.jpg", "a.webp"}) {
        const auto absent = folder.path / "absent" / name;
        CAPTURE(name);
        const std::string reason = error_of([&] { write_image(absent, in); });
        CHECK(reason == absent.string() + ": cannot write: No such file or directory");
        fs::create_directory(folder.path / name);
        CHECK(contains(error_of([&] { write_image(folder.path / name, in); }), "is a folder"));
        fs::remove(folder.path / name);
    }
    CHECK(contains(error_of([&] { write_image(folder.path / "a.tif", in); }), "a.tif: cannot write: expected a name"));
    CHECK(contains(error_of([&] { write_image(folder.path / "a.png", image()); }), "the image is empty"));
    CHECK(contains(error_of([&] { write_image(folder.path / "a.jpg", in, {.quality = 0}); }), "expected 1 to 100"));
    CHECK(folder.entries() == 0);
}

TEST_CASE("a full disk gives one error for every format") {
    if (!fs::exists("/dev/full")) return;
    const image in = varied(200, 200, 3); // more than any buffer between the coder and the disk
    std::vector<image_format> formats{image_format::png};
    if (FOVEA_WITH_LIBJPEG) formats.push_back(image_format::jpeg);
    if (FOVEA_WITH_LIBWEBP) formats.push_back(image_format::webp);
    for (const image_format format : formats) {
        CAPTURE(name_of(format));
        CHECK(error_of([&] { write_image("/dev/full", in, {.format = format}); }) ==
              "/dev/full: cannot write: No space left on device");
    }
    CHECK(fs::is_character_file("/dev/full"));
}
