// Files that people really have, from public bug reports: what each must end in. A row is checked where this build
// reads its format.

#include <string>
#include <vector>

#include "fovea/io/image/read.hpp"
#include "pictures.hpp"
#include "support/catch.hpp"
#include "support/data.hpp"

using namespace fovea;
using namespace fovea_test;

namespace {

struct expectation {
    const char* file;
    int width = 72, height = 72, channels = 3;
    sample_type type = sample_type::u8;
    const char* notice = ""; // part of the one line that is said; none: nothing is
    const char* error = "";  // part of the error
    std::size_t icc = 0, extras = 0;
};

constexpr expectation refused(const char* file, const char* error) { return {.file = file, .error = error}; }

constexpr expectation cases[] = {
    {.file = "411.jpg"},
    {.file = "UPPER.PNG"},
    {.file = "[brackets].png"},
    {.file = "anim.gif", .width = 48, .height = 32, .notice = "an animation of 5 frames"},
    {.file = "anim.webp", .width = 48, .height = 32, .notice = "an animation of 5 frames"},
    {.file = "anim_apng.png", .width = 48, .height = 32, .notice = "an animation of 5 frames"},
    {.file = "appended.png"},
    {.file = "ascii.pgm", .width = 8, .height = 6, .channels = 1},
    {.file = "ascii.ppm", .width = 8, .height = 6},
    {.file = "bits.pbm", .width = 8, .height = 6, .channels = 1},
    {.file = "rgba.pam", .width = 8, .height = 6, .channels = 4},
    refused("text.png", "not an image of a known format"),
    refused("zero.png", "empty file"),
    {.file = "cicp_pq.png", .extras = 1},
    {.file = "gama_dark.png", .extras = 1},
    {.file = "text_dpi.png", .extras = 1},
    {.file = "icc_p3.png", .icc = FOVEA_WITH_ZLIB ? 484 : 0},
    {.file = "icc_p3.jpg", .icc = 484},
    {.file = "icc_p3.webp", .icc = 484},
    {.file = "disc_black_under.png", .channels = 4},
    {.file = "gray16.png", .channels = 1, .type = sample_type::u16},
    {.file = "gray_prog.jpg", .channels = 1},
    {.file = "mpo.jpg", .width = 48, .height = 32, .notice = "a file of 2 pictures"},
    {.file = "one_bit.png", .channels = 1},
    {.file = "orient1.png", .width = 60, .height = 40},
    {.file = "orient6.jpg", .width = 40, .height = 60},
    {.file = "orient6.webp", .width = 40, .height = 60},
    {.file = "palette_trns.png", .channels = 4},
    {.file = "palette_trns_bytes.png", .channels = 4},
    {.file = "photo.jfif"},
    {.file = "photo.jpe"},
    {.file = "plain.avif"},
    {.file = "plain.jp2"},
    {.file = "plain.tiff"},
    refused("plain.ico", "not an image of a known format"),
    refused("plain.pcx", "not an image of a known format"),
    {.file = "progressive.jpg"},
    {.file = "restart.jpg"},
    {.file = "size_1x1.png", .width = 1, .height = 1},
    {.file = "size_1xN.png", .width = 1, .height = 300},
    {.file = "wide33000x8.jpg", .width = 33000, .height = 8},
    {.file = "wide40000x8.png", .width = 40000, .height = 8},
    {.file = "wide9000x8.webp", .width = 9000, .height = 8},
#if FOVEA_WITH_LIBPNG && FOVEA_WITH_LIBJPEG // stb_image reads no arithmetic coding, and fills in what a cut file lacks
    refused("bad_idat_crc.png", "damaged PNG"),
    refused("cut.png", "damaged PNG"),
    {.file = "arith.jpg"},
    {.file = "cmyk_no_adobe.jpg", .notice = "CMYK pixels become RGB, without a profile"},
    {.file = "cmyk_pillow.jpg", .notice = "CMYK pixels become RGB, without a profile"},
    refused("cut.jpg", "the file ends early"),
    refused("cut_progressive.jpg", "the file ends early"),
    {.file = "no_eoi.jpg"},
    {.file = "rgb_no_ycc.jpg"},
#endif
};

} // namespace

TEST_CASE("files that people have end as they must") {
    FOVEA_NEEDS_DATA(folder, "cases/images");
    for (const expectation& e : cases) {
        CAPTURE(e.file);
        const auto bytes = read_file(folder / e.file);
        const image_format format = recognise(bytes);
        if (format != image_format::unknown && !reads(format)) continue;
        std::vector<std::string> said;
        image in;
        const std::string failed = error_of(
            [&] { in = read_image(bytes, "f", {.notice = [&](const std::string& line) { said.push_back(line); }}); });
        CHECK(contains(failed, e.error));
        CHECK(failed.empty() == (e.error[0] == 0));
        if (e.error[0] || !failed.empty()) continue;
        CHECK(in.width() == e.width);
        CHECK(in.height() == e.height);
        CHECK(in.channels() == e.channels);
        CHECK(in.type() == e.type);
        const bool packed = e.file == std::string("icc_p3.png") && !FOVEA_WITH_ZLIB;
        CHECK(said.size() == (e.notice[0] || packed ? 1 : 0));
        if (e.notice[0] && !said.empty()) CHECK(contains(said[0], e.notice));
        CHECK(in.metadata().icc.size() == e.icc);
        CHECK(in.metadata().extras.size() == e.extras);
    }
}

// The right pixels: the same picture, stored in different ways.
TEST_CASE("pictures stored in different ways are the same") {
    FOVEA_NEEDS_DATA(folder, "cases/images");
    const auto near = [&](const char* a, const char* b, double most) {
        if (!reads(recognise(read_file(folder / a)))) return;
        CAPTURE(a, b);
        CHECK(mean_difference(read_image(folder / a), read_image(folder / b)) <= most);
    };
    near("plain.tiff", "bird.png", 0);
    near("plain.jp2", "bird.png", 6); // lossy; another picture is above 50
    near("plain.avif", "bird.png", 10);
    for (const char* turned : {"orient2", "orient3", "orient4", "orient5", "orient6", "orient7", "orient8"})
        for (const char* extension : {".png", ".jpg", ".webp"}) {
            const std::string name = std::string(turned) + extension, upright = std::string("orient1") + extension;
            if (!reads(recognise(read_file(folder / name)))) continue;
            const image stored = read_image(folder / name, {.apply_orientation = false});
            const image seen = read_image(folder / name);
            CAPTURE(name);
            CHECK(seen == fovea::upright(stored, turned[6] - '0'));
            CHECK(exif_orientation(seen.metadata().exif) == 1);
            CHECK(exif_orientation(stored.metadata().exif) == turned[6] - '0');
        }
}
