// AVIF and JPEG XL: formats that turn pictures by themselves, and metadata in their boxes.
#include <array>
#include <cstdint>

#include "fovea/io/image/header.hpp"
#include "pictures.hpp"
#include "support/catch.hpp"
#include "support/data.hpp"

using namespace fovea;
using namespace fovea_test;

#if FOVEA_WITH_LIBAVIF
TEST_CASE("AVIF is turned by its own properties, once") {
    FOVEA_NEEDS_DATA(folder, "data/metadata");
    const auto stored = [&](const char* name) { return read_image(folder / name, {.apply_orientation = false}); };
    const image original = read_image(folder / "png_icc.png");
    const image turned = read_image(folder / "avif_irot_imir_pasp.avif");
    // A quarter turn counter-clockwise, then top for bottom: mirrored at the main diagonal.
    CHECK(mean_difference(turned, upright(original, 5)) < 5); // lossy; turned otherwise it is above 60
    REQUIRE(turned.metadata().density.has_value());
    CHECK(*turned.metadata().density == image_density{16, 15, density_unit::aspect}); // 16:15, turned
    const image both = read_image(folder / "avif_alpha_icc_exif_xmp.avif"); // EXIF says the same as the property
    CHECK(both == upright(stored("avif_alpha_icc_exif_xmp.avif"), 6));
    CHECK(both.channels() == 4);
    CHECK(both.metadata().icc.size() == 476);
    CHECK(both.metadata().xmp.size() == 809);
    CHECK(exif_orientation(both.metadata().exif) == 1);
    CHECK(exif_orientation(stored("avif_alpha_icc_exif_xmp.avif").metadata().exif) == 6);
}

TEST_CASE("AVIF of 10 bits becomes 16 bits, and says its colours") {
    FOVEA_NEEDS_DATA(file, "data/metadata/avif_10bit_pq.avif");
    const image in = read_image(file);
    CHECK(in.type() == sample_type::u16);
    REQUIRE(in.metadata().extras.size() == 1);
    CHECK(in.metadata().extras[0] == png_extra{"cICP", {std::byte(9), std::byte(16), std::byte(0), std::byte(1)}});
    CHECK(mean_difference(with_type(in, sample_type::u8), read_image(file.parent_path() / "png_icc.png")) < 12);
}
#endif

#if FOVEA_WITH_LIBJXL
namespace {

// 4 x 3 pixels of samples 0, 7, 14, ..., coded without loss in P3; orientation 6, EXIF that says so, XMP.
constexpr std::uint8_t jxl[] = {
    0x00, 0x00, 0x00, 0x0c, 0x4a, 0x58, 0x4c, 0x20, 0x0d, 0x0a, 0x87, 0x0a, 0x00, 0x00, 0x00, 0x14, 0x66, 0x74,
    0x79, 0x70, 0x6a, 0x78, 0x6c, 0x20, 0x00, 0x00, 0x00, 0x00, 0x6a, 0x78, 0x6c, 0x20, 0x00, 0x00, 0x00, 0x15,
    0x6a, 0x78, 0x6c, 0x70, 0x00, 0x00, 0x00, 0x00, 0xff, 0x0a, 0x10, 0x30, 0x0b, 0x04, 0x64, 0x72, 0x4b, 0x00,
    0x00, 0x00, 0x25, 0x78, 0x6d, 0x6c, 0x20, 0x3c, 0x78, 0x20, 0x65, 0x78, 0x69, 0x66, 0x3a, 0x50, 0x69, 0x78,
    0x65, 0x6c, 0x58, 0x44, 0x69, 0x6d, 0x65, 0x6e, 0x73, 0x69, 0x6f, 0x6e, 0x3d, 0x22, 0x34, 0x22, 0x2f, 0x3e,
    0x00, 0x00, 0x00, 0x26, 0x45, 0x78, 0x69, 0x66, 0x00, 0x00, 0x00, 0x00, 0x49, 0x49, 0x2a, 0x00, 0x08, 0x00,
    0x00, 0x00, 0x01, 0x00, 0x12, 0x01, 0x03, 0x00, 0x01, 0x00, 0x00, 0x00, 0x06, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x2f, 0x6a, 0x78, 0x6c, 0x70, 0x80, 0x00, 0x00, 0x01, 0x08, 0x02, 0x01, 0x00,
    0x74, 0x00, 0x4b, 0x18, 0x8b, 0x15, 0xc2, 0x01, 0xca, 0xb6, 0x81, 0xfa, 0x3a, 0x00, 0xeb, 0x54, 0x2a, 0xf5,
    0x21, 0xb1, 0x64, 0xe8, 0xf9, 0xab, 0xc0, 0xf1, 0xed, 0xc8, 0x0a, 0x00, 0x00};

} // namespace

TEST_CASE("JPEG XL comes upright, with its profile, EXIF and XMP") {
    const auto bytes = std::as_bytes(std::span(jxl));
    const image in = read_image(bytes, "j");
    image stored(3, 4, 3);
    for (std::size_t i = 0; i < 36; ++i) stored.row<std::uint8_t>(0).data()[i] = std::uint8_t(7 * i);
    CHECK(in == upright(stored, 6));
    CHECK(detail::space_of_profile(in.metadata().icc) == detail::profile_space::rgb);
    CHECK(exif_orientation(in.metadata().exif) == 1);
    CHECK(in.metadata().exif.size() == 26);
    CHECK(in.metadata().xmp.size() == 29);
    const image_header h = read_image_header(bytes, "j");
    CHECK(h.format == image_format::jxl);
    CHECK(h.height == 4);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const std::vector<std::byte> cut(bytes.begin(), bytes.begin() + std::ptrdiff_t(size));
        CHECK(contains(error_of([&] { read_image(cut, "j"); }), "j: "));
    }
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        std::vector<std::byte> altered(bytes.begin(), bytes.end());
        altered[at] ^= std::byte(0x11);
        error_of([&] { read_image(altered, "j", {.max_pixels = 1 << 20}); });
    }
}
#endif
