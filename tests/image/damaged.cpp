// Damaged and dishonest files: each ends in a picture or in one error, under the sanitizers too.
#include <array>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "fovea/io/image/read.hpp"
#include "pictures.hpp"
#include "support/catch.hpp"
#include "support/data.hpp"

namespace fs = std::filesystem;
using namespace fovea;
using namespace fovea_test;

namespace {

// One small file of each kind of coding.
std::vector<fs::path> samples(const fs::path& formats) {
    std::vector<fs::path> files;
    for (const char* name : {"pngsuite/basi6a16.png", "pngsuite/basn3p08.png", "pillow_valid/hopper.jpg",
                             "pillow_valid/hopper_orientation_6.jpg", "jpeg_valid/down_sampled_grayscale_prog.jpg",
                             "image-rs_bmp/pal8rle.bmp", "image-rs_bmp/rgb16-565.bmp", "image-rs_bmp/Info_4_Bit.bmp",
                             "pillow_valid/16_bit_binary.pgm"})
        files.push_back(formats / name);
    for (const char* name : {"image-rs_gif/interlaced.gif", "pillow_valid/hopper.gif"})
        if (FOVEA_WITH_GIFLIB) files.push_back(formats / name);
#if FOVEA_WITH_LIBWEBP
    for (const char* name : {"libwebp/test.webp", "libwebp/lossless1.webp", "image-rs_webp/anim.webp",
                             "pillow_valid/hopper_orientation_6.webp"})
        files.push_back(formats / name);
#endif
    const fs::path others = formats.parent_path() / "metadata", cases = formats.parent_path().parent_path() / "cases";
    for (const char* name :
         {"tiff_rgb8_strips_lzw.tif", "tiff_float32_deflate.tif", "tiff_rgb16_bigendian_tiles_lzw.tif",
          "tiff_rgb16_bigtiff_deflate.tif", "tiff_cmyk8_lzw_icc.tif", "tiff_rgb8_planar_packbits.tif"})
        if (FOVEA_WITH_LIBTIFF) files.push_back(others / name);
    if (FOVEA_WITH_LIBAVIF) files.push_back(others / "avif_alpha_icc_exif_xmp.avif");
    if (FOVEA_WITH_OPENJPEG) files.push_back(cases / "images/plain.jp2");
    for (const char* name : {"png_text_exif_phys.png", "png_palette_trns.png", "jpeg_xmp_extended.jpg"})
        files.push_back(others / name);
    std::erase_if(files, [](const fs::path& path) { return !fs::exists(path); });
    return files;
}

// A picture or an error; anything else ends the test program. A copy of exactly the size, so that the address sanitizer
// sees every step beyond its end.
bool is_picture(std::span<const std::byte> bytes) {
    const std::vector<std::byte> exact(bytes.begin(), bytes.end());
    image in;
    const std::string reason = error_of([&] { in = read_image(exact, "f", {.max_pixels = 1 << 20}); });
    CHECK(reason.empty() != in.empty());
    return reason.empty();
}

void put_big_endian(std::vector<std::byte>& bytes, std::size_t at, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = std::byte(std::uint8_t(value >> (24 - 8 * i)));
}

// PNG's check sum over the chunk type and data.
std::uint32_t crc(std::span<const std::byte> bytes) {
    std::uint32_t c = ~0u;
    for (const std::byte b : bytes) {
        c ^= std::to_integer<std::uint32_t>(b);
        for (int i = 0; i < 8; ++i) c = c >> 1 ^ (c & 1 ? 0xedb88320u : 0);
    }
    return ~c;
}

} // namespace

TEST_CASE("files cut at any length end in a picture or an error") {
    FOVEA_NEEDS_DATA(formats, "data/formats");
    for (const fs::path& path : samples(formats)) {
        const auto whole = read_file(path);
        CAPTURE(path.string());
        CHECK(is_picture(whole));
        const std::size_t step = std::max<std::size_t>(whole.size() / 90, 1);
        for (std::size_t size = 0; size < whole.size(); size += size < 64 ? 1 : step)
            is_picture(std::span(whole).first(size));
    }
}

#if FOVEA_WITH_LIBPNG && FOVEA_WITH_LIBJPEG && FOVEA_WITH_LIBWEBP
TEST_CASE("half a file is not taken for a picture") {
    FOVEA_NEEDS_DATA(formats, "data/formats");
    for (const fs::path& path : samples(formats)) {
        const auto whole = read_file(path);
        CAPTURE(path.string());
        if (path.extension() != ".pgm" && path.filename() != "anim.webp") // of which half may hold the first frame
            CHECK_FALSE(is_picture(std::span(whole).first(whole.size() / 2)));
    }
}
#endif

TEST_CASE("files with altered bytes end in a picture or an error") {
    FOVEA_NEEDS_DATA(formats, "data/formats");
    std::mt19937 random(20); // the same alterations in every run
    int pictures = 0;
    for (const fs::path& path : samples(formats)) {
        const auto whole = read_file(path);
        CAPTURE(path.string());
        for (int round = 0; round < 60; ++round) {
            auto altered = whole;
            for (int i = 0; i < 1 + round % 5; ++i) {
                const std::size_t reach = i % 2 ? altered.size() : std::min<std::size_t>(altered.size(), 80);
                altered[random() % reach] = std::byte(std::uint8_t(random() & 255));
            }
            pictures += is_picture(altered);
        }
    }
    CHECK(pictures > 100); // some alterations harm nothing: the rest was reached, not only headers
}

TEST_CASE("TGA files cut or altered anywhere end in a picture or an error") {
    std::vector<std::byte> runs(18 + 3 * 5); // 4 x 5 pixels of a palette: one run of four per row
    constexpr std::uint8_t header[] = {0, 1, 9, 0, 0, 2, 0, 24, 0, 0, 0, 0, 4, 0, 5, 0, 8, 0x20};
    constexpr std::uint8_t body[] = {1, 2, 3, 4, 5, 6, 0x83, 0, 0x83, 1, 0x83, 0, 0x83, 1, 0x83};
    std::ranges::copy(std::as_bytes(std::span(header)), runs.begin());
    std::ranges::copy(std::as_bytes(std::span(body)), runs.begin() + 18);
    CHECK_FALSE(is_picture(runs)); // the last index is missing
    runs.push_back(std::byte(1));
    REQUIRE(is_picture(runs));
    const image in = read_image(runs, "t");
    CHECK(std::ranges::equal(in.row<std::uint8_t>(0), std::array{3, 2, 1, 3, 2, 1, 3, 2, 1, 3, 2, 1}));
    CHECK(std::ranges::equal(in.row<std::uint8_t>(4), std::array{6, 5, 4, 6, 5, 4, 6, 5, 4, 6, 5, 4}));
    for (std::size_t size = 0; size < runs.size(); ++size) CHECK_FALSE(is_picture(std::span(runs).first(size)));
    for (std::size_t at = 0; at < runs.size(); ++at)
        for (const int value : {0, 1, 2, 16, 32, 128, 255}) {
            auto altered = runs;
            altered[at] = std::byte(std::uint8_t(value));
            is_picture(altered);
        }
}

TEST_CASE("images that claim too many pixels are refused before memory is taken") {
    const auto refused = [](std::span<const std::byte> bytes, const read_options& options = {}) {
        const std::string reason = error_of([&] { read_image(bytes, "huge", options); });
        CAPTURE(reason);
        CHECK(contains(reason, "huge: "));
        CHECK(contains(reason, "claims "));
    };
    std::vector<std::byte> png(33 + 12);
    constexpr std::uint8_t start[] = {0x89, 'P', 'N', 'G', 13, 10, 26, 10, 0, 0, 0, 13, 'I', 'H', 'D', 'R'};
    std::ranges::copy(std::as_bytes(std::span(start)), png.begin());
    put_big_endian(png, 16, 40000);
    put_big_endian(png, 20, 40000);
    png[24] = std::byte(8);
    png[25] = std::byte(2);
    put_big_endian(png, 29, crc(std::span(png).subspan(12, 17)));
    constexpr std::uint8_t data[] = {0, 0, 0, 0, 'I', 'D', 'A', 'T', 0x35, 0xaf, 0x06, 0x1e};
    std::ranges::copy(std::as_bytes(std::span(data)), png.begin() + 33);
#if FOVEA_WITH_LIBPNG // stb_image has a limit of its own on PNG
    refused(png);
    refused(png, {.max_pixels = std::uint64_t(1) << 40}); // 4.8 GB cannot come from 45 bytes
#endif
    std::array<std::uint8_t, 18> tga{};
    tga[2] = 2;
    tga[12] = tga[13] = tga[14] = tga[15] = 255;
    tga[16] = 24;
    refused(std::as_bytes(std::span(tga)));
    if (!FOVEA_WITH_GIFLIB) return;
    std::array<std::uint8_t, 13> gif{'G', 'I', 'F', '8', '9', 'a', 255, 255, 255, 255};
    refused(std::as_bytes(std::span(gif)));
}

TEST_CASE("the limit on pixels is the caller's") {
    FOVEA_NEEDS_DATA(file, "data/formats/pillow_valid/hopper.jpg"); // 128 x 128
    CHECK(read_image(file, {.max_pixels = 128 * 128}).height() == 128);
    CHECK(contains(error_of([&] { read_image(file, {.max_pixels = 128 * 128 - 1}); }),
                   "claims 128x128 pixels: expected at most 16383"));
}
