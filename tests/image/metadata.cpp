// What goes with a picture from file to file. What other programs read of it: metadata_files.py.
#include "fovea/image/metadata.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "exif_blocks.hpp"
#include "fovea/image/crop.hpp"
#include "fovea/image/resize_pillow.hpp"
#include "fovea/io/image/read.hpp"
#include "fovea/io/image/write.hpp"
#include "pictures.hpp"
#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/scratch.hpp"

using namespace fovea;
using namespace fovea_test;

namespace {

byte_block bytes_of(std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
    return {bytes.begin(), bytes.end()};
}

// No real profile: a header that says its length and colour space.
byte_block profile(const char* space, std::size_t size = 300) {
    byte_block out(size);
    for (std::size_t i = 0; i < 4; ++i) out[i] = std::byte(std::uint8_t(size >> (24 - 8 * i)));
    std::ranges::copy(bytes_of(space), out.begin() + 16);
    std::ranges::copy(bytes_of("acsp"), out.begin() + 36);
    for (std::size_t i = 128; i < size; ++i) out[i] = std::byte(std::uint8_t(i * 7 + i / 251));
    return out;
}

// A picture with one of everything.
image with_everything(int orientation = 1) {
    image out = varied(6, 4, 3);
    out.set_metadata(
        {.icc = profile("RGB "),
         .icc_name = "name",
         .exif = exif_block(true, orientation, 4, 6),
         .xmp = bytes_of("<x exif:PixelXDimension=\"4\"><exif:PixelYDimension>6</exif:PixelYDimension></x>"),
         .iptc = bytes_of("records"),
         .density = image_density{300, 200, density_unit::inch},
         .extras = {{"tEXt", bytes_of(std::string_view("Comment\0words", 13))}}});
    return out;
}

std::vector<std::string> formats() {
    std::vector<std::string> out{".png"};
    if (FOVEA_WITH_LIBJPEG) out.push_back(".jpg");
    if (FOVEA_WITH_LIBWEBP) out.push_back(".webp");
    if (FOVEA_WITH_LIBTIFF) out.push_back(".tif");
    return out;
}

struct notices {
    std::vector<std::string> lines{};
    notice_function taker() {
        return [this](const std::string& line) { lines.push_back(line); };
    }
};

} // namespace

TEST_CASE("metadata go with a picture into every operation, and are shared") {
    const image in = with_everything();
    CHECK(sizeof(image) <= 64);
    const image copy = in;
    CHECK(&copy.metadata() == &in.metadata());
    CHECK(with_type(in, sample_type::u16).metadata() == in.metadata());
    CHECK(with_channels(in, 4).metadata() == in.metadata());
    CHECK(crop(in, 1, 1, 2, 2).metadata() == in.metadata());
    CHECK(resize_pillow(in, 12, 8).metadata() == in.metadata());
    CHECK(image(2, 2, 3).metadata() == image_metadata{});
    image other = varied(6, 4, 3);
    CHECK(other == in); // the same pixels
}

TEST_CASE("a profile does not go where it says nothing") {
    image gray = varied(3, 3, 1);
    gray.set_metadata({.icc = profile("GRAY"), .xmp = bytes_of("<x/>")});
    CHECK(with_channels(gray, 2).metadata() == gray.metadata());
    CHECK(with_channels(gray, 3).metadata() == image_metadata{.xmp = bytes_of("<x/>")});
}

TEST_CASE("files give back what they were given, with the numbers of pixels renewed") {
    const scratch_folder folder;
    image in = with_everything();
    const image large = resize_pillow(in, 18, 12);
    for (const std::string& extension : formats()) {
        CAPTURE(extension);
        notices said;
        const auto path = folder.path / ("a" + extension);
        write_image(path, large, {.notice = said.taker()});
        const image_metadata m = read_image(path, {.notice = said.taker()}).metadata();
        if (extension != ".png" || FOVEA_WITH_ZLIB) CHECK(m.icc == large.metadata().icc);
        CHECK(m.exif == exif_block(true, 1, 12, 18));
        CHECK(m.xmp == bytes_of("<x exif:PixelXDimension=\"12\"><exif:PixelYDimension>18</exif:PixelYDimension></x>"));
        if (extension == ".jpg") CHECK(m.iptc == bytes_of("records"));
        if (extension != ".webp") {
            REQUIRE(m.density.has_value());
            // Whole numbers per metre: half of one per metre is 0.0127 per inch.
            const double per_inch = m.density->unit == density_unit::metre ? 0.0254 : 1;
            CHECK(std::abs(m.density->x * per_inch - 300) < 0.0128);
            CHECK(std::abs(m.density->y * per_inch - 200) < 0.0128);
            if (extension != ".tif") CHECK(m.extras == large.metadata().extras);
        }
        const std::size_t lines = extension == ".jpg" ? 0 : extension == ".png" && !FOVEA_WITH_ZLIB ? 2 : 1;
        REQUIRE(said.lines.size() == lines);
        if (extension == ".webp")
            CHECK(said.lines[0] == path.string() + ": WebP holds none of these, left out: text Comment, IPTC");
    }
}

TEST_CASE("metadata are left out on demand, the profile is not") {
    const scratch_folder folder;
    image in = with_everything();
    image_metadata m = in.metadata();
    m.extras.push_back({"gAMA", byte_block(4, std::byte(1))});
    in.set_metadata(m);
    for (const std::string& extension : formats()) {
        if (extension == ".png" && !FOVEA_WITH_ZLIB) continue;
        const auto path = folder.path / ("a" + extension);
        notices said;
        write_image(path, in, {.strip_metadata = true, .notice = said.taker()});
        image_metadata expected{.icc = m.icc};
        if (extension == ".png") expected.icc_name = "name", expected.extras = {m.extras[1]};
        CAPTURE(extension);
        CHECK(read_image(path).metadata() == expected);
        CHECK(said.lines.empty());
    }
}

TEST_CASE("an orientation is applied once: to the pixels with the tag set to 1, or to nothing") {
    const scratch_folder folder;
    for (const std::string& extension : formats())
        for (int o = 1; o <= 8; ++o) {
            CAPTURE(extension, o);
            const auto path = folder.path / ("a" + extension);
            const image in = with_everything(o);
            write_image(path, in, {.quality = 100, .lossless = true});
            const image stored = read_image(path, {.apply_orientation = false});
            CHECK(stored.metadata().exif == exif_block(true, o, 4, 6));
            CHECK(stored.height() == 6);
            const image seen = read_image(path);
            CHECK(seen == upright(stored, o));
            CHECK(exif_orientation(seen.metadata().exif) == 1);
            if (o >= 5 && extension != ".webp") CHECK(seen.metadata().density->x < seen.metadata().density->y);
            write_image(path, seen);
            CHECK(read_image(path).width() == seen.width());
        }
}

TEST_CASE("a thumbnail is taken out of EXIF") {
    for (const bool little : {true, false}) {
        byte_block exif = exif_block(little, 3, 640, 480);
        const byte_block without = exif;
        add_thumbnail(exif, little, 50);
        REQUIRE(exif.size() > without.size() + 50);
        drop_exif_thumbnail(exif);
        CHECK(exif == without);
    }
}

TEST_CASE("EXIF with altered bytes is changed within its bounds") {
    const byte_block whole = [] {
        byte_block b = exif_block(false, 6, 640, 480);
        add_thumbnail(b, false, 9);
        return b;
    }();
    for (std::size_t at = 0; at < whole.size(); ++at)
        for (const int value : {0, 1, 2, 4, 5, 8, 127, 255}) {
            byte_block altered = whole;
            altered[at] = std::byte(std::uint8_t(value));
            drop_exif_thumbnail(altered);
            set_exif_size(altered, 70000, 3);
            const image_metadata turned = detail::upright_metadata({.exif = altered}, 6);
            CHECK(turned.exif.size() <= whole.size());
            exif_density(turned.exif);
        }
    for (std::size_t size = 0; size < whole.size(); ++size) {
        byte_block cut(whole.begin(), whole.begin() + std::ptrdiff_t(size));
        drop_exif_thumbnail(cut);
        set_exif_size(cut, 1, 1);
        set_exif_orientation(cut, 1);
    }
}

TEST_CASE("blocks that are damaged or too large are left out, with one line") {
    const scratch_folder folder;
    for (const std::string& extension : formats()) {
        if (extension == ".png" && !FOVEA_WITH_ZLIB) continue;
        const auto path = folder.path / ("a" + extension);
        const auto said_of = [&](image_metadata m) {
            image in = varied(5, 5, 3);
            in.set_metadata(std::move(m));
            notices said;
            write_image(path, in, {.notice = said.taker()});
            const image out = read_image(path, {.notice = said.taker()});
            CHECK(out.metadata().icc.empty());
            CHECK(out.metadata().exif.empty());
            REQUIRE(said.lines.size() == 1);
            return said.lines.front();
        };
        CAPTURE(extension);
        byte_block far = exif_block(true, 1, 5, 5);
        far[7] = std::byte(0x40);
        CHECK(contains(said_of({.exif = far}), "left out: a damaged EXIF block"));
        CHECK(contains(said_of({.icc = profile("GRAY")}), "not for RGB pixels"));
        byte_block large = exif_block(true, 1, 5, 5);
        large.resize((16 << 20) + 1);
        if (extension == ".jpg") CHECK(contains(said_of({.exif = large}), "more than 64 KB"));
        if (extension == ".png" || extension == ".webp")
            CHECK(contains(said_of({.exif = large}), "EXIF block has 16777217 bytes and is left out"));
    }
}

TEST_CASE("a profile of many segments is put together, and one that misses a part is left out") {
    if (!FOVEA_WITH_LIBJPEG) return;
    const scratch_folder folder;
    image in = varied(5, 5, 3);
    in.set_metadata({.icc = profile("RGB ", 200000)});
    write_image(folder.path / "a.jpg", in);
    auto bytes = read_file(folder.path / "a.jpg");
    CHECK(read_image(bytes, "a").metadata().icc == in.metadata().icc);
    const byte_block begin = bytes_of(std::string_view("ICC_PROFILE\0\2\4", 14));
    const auto second = std::search(bytes.begin(), bytes.end(), begin.begin(), begin.end());
    REQUIRE(second != bytes.end());
    *second = std::byte('i');
    notices said;
    CHECK(read_image(bytes, "a", {.notice = said.taker()}).metadata().icc.empty());
    CHECK(said.lines == std::vector<std::string>{"a: its colour profile is left out: part 2 of 4 is missing"});
}

TEST_CASE("chunks of PNG that say something of the stored pixels are not copied, safe ones are") {
    const scratch_folder folder;
    image in = varied(5, 5, 3);
    std::vector<png_extra> kept;
    for (const char* type : {"cICP", "gAMA", "cHRM", "sRGB", "mDCV", "cLLI", "kePt", "tEXt", "zTXt", "tIME"})
        kept.push_back({type, bytes_of("abcdefgh")});
    image_metadata m{.extras = kept};
    for (const char* type : {"prVT", "sBIT", "oFFs", "sPLT", "hIST"}) m.extras.push_back({type, bytes_of("abcdefgh")});
    in.set_metadata(m);
    write_image(folder.path / "a.png", in);
    CHECK(read_image(folder.path / "a.png").metadata().extras == kept);
}
