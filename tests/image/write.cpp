#include "fovea/io/image/write.hpp"

#include <filesystem>
#include <string>

#include "fovea/io/image/read.hpp"
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

#if FOVEA_WITH_LIBTIFF
TEST_CASE("TIFF gives back 8 bits, 16 bits and floats with 1 to 4 channels") {
    const scratch_folder folder;
    for (const sample_type type : {sample_type::u8, sample_type::u16, sample_type::f32})
        for (int channels = 1; channels <= 4; ++channels)
            for (const int width : {1, 7, 64, 3000}) {
                image in = varied(9, width, channels, type);
                if (type == sample_type::f32) in.row<float>(3)[0] = -0.25f, in.row<float>(8)[0] = 12;
                CAPTURE(int(type), channels, width);
                write_image(folder.path / "a.tif", in);
                CHECK(read_image(folder.path / "a.tif") == in);
            }
    write_image(folder.path / "a.tiff", image(1, 70000, 1));
    CHECK(read_image(folder.path / "a.tiff").width() == 70000);
}
#endif

TEST_CASE("what cannot be written is known before") {
    CHECK(error_of([] { check_writable("a.png", 100000, 100000); }) == "");
    CHECK(error_of([] { check_writable("a.gif", 1, 1); }) ==
          "a.gif: cannot write: expected a name that ends in .png, .jpg, .jpeg, .webp, .tif or .tiff");
    CHECK(
        contains(error_of([] { check_writable("a", 1, 1, image_format::gif); }), "a: cannot write GIF: expected PNG"));
    CHECK(error_of([] { check_writable("a.png", 0, 1); }) == "a.png: cannot write: the image is empty");
    if (FOVEA_WITH_LIBJPEG)
        CHECK(error_of([] { check_writable("a.JFIF", 65501, 1); }) ==
              "a.JFIF: cannot write JPEG: 65501x1 pixels: expected at most 65500 on each side");
    else
        CHECK(error_of([] { check_writable("a.jpg", 1, 1); }) ==
              "a.jpg: this build writes no JPEG: it was made without libjpeg");
    CHECK(contains(error_of([] { check_writable("a.webp", 4, 16384); }), FOVEA_WITH_LIBWEBP ? "16383" : "libwebp"));
}

TEST_CASE("what a format does not hold of the samples is said once") {
    const scratch_folder folder;
    std::vector<std::string> said;
    const auto say = [&](const std::string& line) { said.push_back(line); };
    image in = varied(5, 5, 4, sample_type::f32);
    write_image(folder.path / "a.png", in, {.notice = say});
    CHECK(said.empty());
    in.row<float>(2)[3] = 1.5f;
    write_image(folder.path / "a.png", in, {.notice = say});
    REQUIRE(said.size() == 1);
    CHECK(contains(said[0], "a.png: PNG holds none of these, left out: values outside 0 to 1"));
    if (!FOVEA_WITH_LIBJPEG) return;
    write_image(folder.path / "a.jpg", in, {.notice = say});
    REQUIRE(said.size() == 2);
    CHECK(contains(said[1], "left out: alpha, more than 8 bits per sample, values outside 0 to 1"));
}

TEST_CASE("outputs that cannot be written give one error and leave nothing") {
    const scratch_folder folder;
    const image in = varied(64, 64, 3);
    for (const std::string name : {"a.png", "a.jpg", "a.webp", "a.tif"}) {
        if (!writes(format_of_name(name))) continue;
        const auto absent = folder.path / "absent" / name;
        CAPTURE(name);
        const std::string reason = error_of([&] { write_image(absent, in); });
        CHECK(reason == absent.string() + ": cannot write: No such file or directory");
        fs::create_directory(folder.path / name);
        CHECK(contains(error_of([&] { write_image(folder.path / name, in); }), "is a folder"));
        fs::remove(folder.path / name);
    }
    CHECK(contains(error_of([&] { write_image(folder.path / "a.gif", in); }), "a.gif: cannot write: expected a name"));
    CHECK(contains(error_of([&] { write_image(folder.path / "a.png", image()); }), "the image is empty"));
    CHECK(contains(error_of([&] { write_image(folder.path / "a.png", in, {.quality = 0}); }), "expected 1 to 100"));
    CHECK(folder.entries() == 0);
}

TEST_CASE("a full disk gives one error for every format") {
    if (!fs::exists("/dev/full")) return;
    const image in = varied(200, 200, 3); // more than any buffer between the coder and the disk
    std::vector<image_format> formats{image_format::png};
    if (FOVEA_WITH_LIBJPEG) formats.push_back(image_format::jpeg);
    if (FOVEA_WITH_LIBWEBP) formats.push_back(image_format::webp);
    if (FOVEA_WITH_LIBTIFF) formats.push_back(image_format::tiff);
    for (const image_format format : formats) {
        CAPTURE(name_of(format));
        CHECK(error_of([&] { write_image("/dev/full", in, {.format = format}); }) ==
              "/dev/full: cannot write: No space left on device");
    }
    CHECK(fs::is_character_file("/dev/full"));
}
