#include "fovea/io/image/header.hpp"

#include <fstream>

#include "fovea/io/image/write.hpp"
#include "pictures.hpp"
#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/scratch.hpp"

namespace fs = std::filesystem;
using namespace fovea;
using namespace fovea_test;

TEST_CASE("headers say what the pictures of all files are, and folders list them by content") {
    FOVEA_NEEDS_DATA(formats, "data/formats");
    FOVEA_NEEDS_DATA(metadata, "data/metadata");
    FOVEA_NEEDS_DATA(cases, "cases/images");
    int files = 0;
    for (const fs::path& folder : {formats, metadata, cases})
        for (const auto& entry : fs::recursive_directory_iterator(folder)) {
            if (!entry.is_regular_file()) continue;
            image in;
            if (!error_of([&] { in = read_image(entry.path()); }).empty()) continue;
            CAPTURE(entry.path().string());
            const image_header h = read_image_header(entry.path());
            CHECK(h.height == in.height());
            CHECK(h.width == in.width());
            CHECK(h.type == in.type());
            const bool unused_alpha =
                h.format == image_format::bmp || h.format == image_format::gif || h.format == image_format::webp;
            CHECK((h.channels == in.channels() || (unused_alpha && h.channels == in.channels() + 1)));
            CHECK(recognise_file(entry.path()) == h.format);
            ++files;
        }
    CHECK(files >= (FOVEA_WITH_LIBWEBP ? 550 : 350));
}

TEST_CASE("headers claim no more than is allowed, and damaged ones are named") {
    const scratch_folder folder;
    const fs::path path = folder.path / "a.png";
    write_image(path, image(20, 30, 3));
    CHECK(read_image_header(path).channels == 3);
    CHECK(contains(error_of([&] { read_image_header(path, {.max_pixels = 599}); }), "a.png: claims 30x20 pixels"));
    const auto bytes = read_file(path);
    CHECK(contains(error_of([&] { read_image_header(std::span(bytes).first(20), "cut"); }), "cut: damaged"));
    CHECK(contains(error_of([&] { read_image_header(std::span(bytes).subspan(1), "no"); }), "no: not an image"));
}

TEST_CASE("what may be TGA counts as such by its name alone") {
    const scratch_folder folder;
    const std::string tga{0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 24, 0, 7, 8, 9};
    for (const char* name : {"a.tga", "a.TGA", "a.dat"}) std::ofstream(folder.path / name, std::ios::binary) << tga;
    CHECK(recognise_file(folder.path / "a.tga") == image_format::tga);
    CHECK(recognise_file(folder.path / "a.TGA") == image_format::tga);
    CHECK(recognise_file(folder.path / "a.dat") == image_format::unknown);
    CHECK(recognise_file(folder.path / "absent") == image_format::unknown);
    CHECK(recognise_file(folder.path) == image_format::unknown);
}

TEST_CASE("an unknown format is answered by the list of what this build reads and writes") {
    CHECK(contains(formats_read(), "PNG, JPEG"));
    CHECK(contains(formats_read(), "TGA or PNM"));
    CHECK(contains(formats_read(), "WebP") == bool(FOVEA_WITH_LIBWEBP));
    CHECK(contains(formats_read(), "TIFF") == bool(FOVEA_WITH_LIBTIFF));
    CHECK(contains(formats_read(), "GIF") == bool(FOVEA_WITH_GIFLIB));
    CHECK(contains(formats_read(), "JPEG XL") == bool(FOVEA_WITH_LIBJXL));
    CHECK(formats_written().substr(0, 3) == "PNG");
    CHECK_FALSE(contains(formats_written(), "BMP"));
    CHECK(contains(error_of([] { read_image(std::as_bytes(std::span("no image")), "f"); }),
                   "expected " + formats_read()));
    const std::string_view jxl("\xff\x0a\0\0", 4);
    const std::string reason = error_of([&] { read_image(std::as_bytes(std::span(jxl.data(), jxl.size())), "f"); });
    CHECK(contains(reason, FOVEA_WITH_LIBJXL ? "f: damaged JPEG XL"
                                             : "f: this build reads no JPEG XL: it was made without libjxl"));
}
