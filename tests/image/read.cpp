#include "fovea/io/image/read.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "pictures.hpp"
#include "support/catch.hpp"
#include "support/data.hpp"

namespace fs = std::filesystem;
using namespace fovea;
using namespace fovea_test;

namespace {

std::vector<fs::path> files_under(const fs::path& folder) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
        if (entry.is_regular_file()) files.push_back(entry.path());
    std::ranges::sort(files);
    return files;
}

// Whether the file is whole, and of a format and kind that this build reads.
bool must_be_picture(const fs::path& path) {
    const std::string folder = path.parent_path().filename(), name = path.filename(), extension = path.extension();
    if (folder == "pillow_malformed" || extension == ".bad_bmp" || extension == ".tif" || extension == ".md5")
        return false;
    if (folder == "pngsuite" && (name[0] == 'x' || extension != ".png")) return false;
    if (name == "testorig12.jpg") return false;                        // 12 bits per sample
    if (name == "testimgari.jpg" && !FOVEA_WITH_LIBJPEG) return false; // arithmetic coding
    if (extension == ".gif" && !FOVEA_WITH_GIFLIB) return false;
    return extension != ".webp" || FOVEA_WITH_LIBWEBP;
}

std::array<image, 2> both(const fs::path& folder, const std::string& a, const std::string& b) {
    return {read_image(folder / a), read_image(folder / b)};
}

} // namespace

TEST_CASE("every file ends in a picture or in one error that names it, valid ones in a picture") {
    FOVEA_NEEDS_DATA(folder, "data/formats");
    int pictures = 0, errors = 0;
    for (const fs::path& path : files_under(folder)) {
        CAPTURE(path.string());
        image in;
        const std::string reason = error_of([&] { in = read_image(path); });
        if (must_be_picture(path)) CHECK(reason == "");
        if (reason.empty()) {
            CHECK_FALSE(in.empty());
            ++pictures;
        } else {
            CHECK(reason.find(path.string() + ": ") == 0);
            CHECK(reason.find('\n') == std::string::npos);
            ++errors;
        }
    }
    CHECK(pictures >= (FOVEA_WITH_LIBWEBP ? 460 : 290));
    CHECK(errors >= (FOVEA_WITH_LIBTIFF ? 40 : 50)); // some of the damaged ones are whole enough to be read
}

// The names say what is inside: three letters, i(nterlaced) or n(ot), PNG's colour type, a letter, the depth.
TEST_CASE("PNG files keep their depth and channels") {
    FOVEA_NEEDS_DATA(folder, "data/formats/pngsuite");
    int files = 0;
    for (const fs::path& path : files_under(folder)) {
        const std::string name = path.stem();
        if (path.extension() != ".png" || name.size() != 8 || name[0] == 'x') continue;
        CAPTURE(name);
        const image in = read_image(path);
        const bool trns = name.substr(0, 2) == "tb" || name.substr(0, 2) == "tm" || name.substr(0, 3) == "tp1";
        const int channels = name[4] == '0' ? 1 : name[4] == '4' ? 2 : name[4] == '6' ? 4 : 3;
        CHECK(in.channels() == channels + trns);
        CHECK(in.type() == (name.substr(6) == "16" ? sample_type::u16 : sample_type::u8));
        ++files;
    }
    CHECK(files > 140);
}

TEST_CASE("PNG files that hold the same picture in different ways are equal") {
    FOVEA_NEEDS_DATA(folder, "data/formats/pngsuite");
    for (const std::string kind : {"0g01", "0g02", "0g04", "0g08", "0g16", "2c08", "2c16", "3p01", "3p02", "3p04",
                                   "3p08", "4a08", "4a16", "6a08", "6a16"}) {
        const auto [interlaced, plain] = both(folder, "basi" + kind + ".png", "basn" + kind + ".png");
        CAPTURE(kind);
        CHECK(interlaced == plain);
    }
    for (const std::string pair :
         {"oi1n2c16 oi9n2c16", "oi1n0g16 oi4n0g16", "z00n2c08 z09n2c08", "s37i3p04 s37n3p04", "cm0n0g04 cm9n0g04"}) {
        const auto [a, b] = both(folder, pair.substr(0, 8) + ".png", pair.substr(9) + ".png");
        CAPTURE(pair);
        CHECK(a == b);
    }
    const image gray = read_image(folder / "basn0g16.png"); // a ramp: 0 to 65535 somewhere inside
    std::uint16_t highest = 0;
    for (int y = 0; y < gray.height(); ++y) highest = std::max(highest, std::ranges::max(gray.row<std::uint16_t>(y)));
    CHECK(highest == 65535);
}

TEST_CASE("BMP files that hold the same picture in different ways are equal") {
    FOVEA_NEEDS_DATA(folder, "data/formats/image-rs_bmp");
    for (const fs::path& path : files_under(folder)) {
        const std::string name = path.stem();
        const std::size_t suffix = name.find("_Top_Down");
        if (suffix == std::string::npos) continue;
        CAPTURE(name);
        CHECK(read_image(path) == read_image(folder / (name.substr(0, suffix) + ".bmp")));
    }
    for (const std::string other : {"rgb32.bmp", "rgb24prof.bmp", "rgb32bf.bmp"}) {
        CAPTURE(other);
        CHECK(read_image(folder / "rgb24.bmp") == read_image(folder / other));
    }
    CHECK(read_image(folder / "pal8v4.bmp") == read_image(folder / "pal8rle.bmp"));
    CHECK(read_image(folder / "pal8v4.bmp") == read_image(folder / "pal8v5.bmp"));
    // Five bits and eight differ by at most half a step of five bits: 255 / 31 / 2 = 4.1.
    CHECK(mean_difference(read_image(folder / "rgb24.bmp"), read_image(folder / "rgb16.bmp")) < 4.2);
    CHECK(read_image(folder / "rgba32.bmp").channels() == 4);
}

#if FOVEA_WITH_GIFLIB
TEST_CASE("GIF files give their first frame") {
    FOVEA_NEEDS_DATA(folder, "data/formats");
    const image in = read_image(folder / "pillow_valid/hopper.gif");
    CHECK(in.channels() == 3);
    // 256 colours of the same photograph.
    CHECK(mean_difference(in, with_channels(read_image(folder / "pillow_valid/hopper.bmp"), 3)) < 12);
    const image animated = read_image(folder / "image-rs_gif/issue_1455_oversized.gif");
    CHECK(animated.height() == 10);
    CHECK(animated.width() == 10);
    CHECK(read_image(folder / "pillow_valid/transparent.gif").channels() == 4);
}
#endif

TEST_CASE("JPEG files keep gray, and print CMYK") {
    FOVEA_NEEDS_DATA(folder, "data/formats");
    const image photograph = read_image(folder / "pillow_valid/hopper.bmp");
    CHECK(mean_difference(read_image(folder / "pillow_valid/hopper.jpg"), photograph) < 8);
    CHECK(read_image(folder / "pillow_valid/hopper_gray.jpg").channels() == 1);
    CHECK(read_image(folder / "jpeg_valid/down_sampled_grayscale_prog.jpg").channels() == 1);
    const image cmyk = read_image(folder / "pillow_valid/pil_sample_cmyk.jpg");
    CHECK(cmyk.channels() == 3);
    CHECK(std::ranges::max(cmyk.row<std::uint8_t>(0)) > 200); // not the negative: its corner is light
}

#if FOVEA_WITH_LIBWEBP
TEST_CASE("WebP files agree with the pictures that they were made from") {
    FOVEA_NEEDS_DATA(folder, "data/formats/libwebp");
    for (const std::string series : {"1", "2"}) {
        const image original = with_channels(read_image(folder / (series == "1" ? "grid.png" : "peak.png")), 4);
        for (int i = 0; i < 16; ++i) {
            const auto path = folder / ("lossless_vec_" + series + "_" + std::to_string(i) + ".webp");
            CAPTURE(path.string());
            CHECK(with_channels(read_image(path), 4) == original);
        }
    }
    CHECK(read_image(folder / "lossy_alpha1.webp").channels() == 4);
    CHECK(read_image(folder / "test.webp").channels() == 3);
    CHECK(read_image(folder.parent_path() / "image-rs_webp/anim.webp").height() > 0);
}
#endif

TEST_CASE("TGA and PNM are read") {
    std::array<std::uint8_t, 18 + 12> tga{};
    tga[2] = 2;
    tga[12] = tga[14] = 2;
    tga[16] = 24;
    for (std::uint8_t i = 0; i < 12; ++i) tga[18 + i] = i;
    const image in = read_image(std::as_bytes(std::span(tga)), "t");
    REQUIRE(in.channels() == 3);
    CHECK(std::ranges::equal(in.row<std::uint8_t>(1), std::array{2, 1, 0, 5, 4, 3})); // bottom-up, blue first
    const std::string_view pnm("P5 2 1 65535\n\x01\x02\x03\x04", 17);
    const image gray = read_image(std::as_bytes(std::span(pnm.data(), pnm.size())), "p");
    REQUIRE(gray.type() == sample_type::u16);
    CHECK(std::ranges::equal(gray.row<std::uint16_t>(0), std::array{0x0102, 0x0304}));
    const std::string_view few("P6\n# four shades\n1 1 3 \0\1\3", 27);
    CHECK(std::ranges::equal(read_image(std::as_bytes(std::span(few.data(), few.size())), "p").row<std::uint8_t>(0),
                             std::array{0, 85, 255}));
}

TEST_CASE("the other kinds of PNM are read") {
    const auto read = [](std::string_view text) {
        return read_image(std::as_bytes(std::span(text.data(), text.size())), "p");
    };
    const auto samples = [](const image& in) {
        const auto row = in.row<std::uint8_t>(in.height() - 1);
        return std::vector<int>(row.begin(), row.end());
    };
    CHECK(samples(read("P1\n3 2\n1 1 1\n0 10")) == std::vector{255, 0, 255});
    CHECK(samples(read("P2 # gray\n2 1\n5\n0 3\n")) == std::vector{0, 153});
    CHECK(samples(read("P3 1 1 255 9 8 300 ")) == std::vector{9, 8, 255});
    CHECK(samples(read(std::string_view("P4 9 2\n\xff\x80\x01\x00", 11))) ==
          std::vector{255, 255, 255, 255, 255, 255, 255, 0, 255});
    const std::string pam = "P7\nWIDTH 1\nHEIGHT 2\n# note\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\nabcdefgh";
    CHECK(samples(read(pam)) == std::vector<int>{'e', 'f', 'g', 'h'});
    CHECK(read("P2 1 1 1000 500").row<std::uint16_t>(0)[0] == 32768);
    for (std::string_view text :
         {"P1 2 1 1 2", "P2 2 1 9 1", "P2 1 1 9 x", "P7\nWIDTH 1\nHEIGHT 1\nDEPTH 5\nENDHDR\nabcde",
          "P7\nWIDTH 1\nHEIGHT 1\n", "P3 100000 100000 255 1 2 3", "P4 9 2 \xff"})
        CHECK(contains(error_of([&] { read(text); }), "p: "));
}

TEST_CASE("files that are no images, or not there, are named") {
    CHECK(error_of([] { read_image(fs::path("absent.png")); }).find("absent.png: cannot read: ") == 0);
    CHECK(error_of([] { read_image(std::span<const std::byte>(), "none.png"); }).find("none.png: empty file") == 0);
    const std::string_view text = "this is not an image of any format";
    CHECK(contains(error_of([&] { read_image(std::as_bytes(std::span(text.data(), text.size())), "a.txt"); }),
                   "a.txt: not an image of a known format"));
}
