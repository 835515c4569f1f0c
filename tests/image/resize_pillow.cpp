#include "fovea/image/resize_pillow.hpp"

#include <bit>
#include <cstdint>

#include "pillow_vectors.hpp"
#include "support/catch.hpp"

using namespace fovea;

namespace {

// The picture that make_pillow_vectors.py generates.
image noise(const pillow_vector& v) {
    image out(v.height, v.width, v.channels, v.type);
    std::uint32_t x = 1;
    detail::with_samples_of(v.type, [&](auto sample) {
        for (int y = 0; y < v.height; ++y)
            for (auto& s : out.row<decltype(sample)>(y)) {
                x = 1664525u * x + 1013904223u;
                if (v.type == sample_type::u8) s = decltype(sample)(x >> 24);
                if (v.type == sample_type::u16) s = decltype(sample)(x >> 16);
                if (v.type == sample_type::f32) s = decltype(sample)(float(x >> 16) / 65536.f);
            }
    });
    return out;
}

std::uint64_t checksum(const image& in) {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (std::size_t i = 0; i < in.row_bytes() * std::size_t(in.height()); ++i)
        hash = (hash ^ std::to_integer<std::uint64_t>(in.data()[i])) * 0x100000001b3u;
    return hash;
}

} // namespace

TEST_CASE("resize_pillow gives Pillow's bits for every channel count and sample type") {
    if constexpr (std::endian::native == std::endian::little)
        for (const pillow_vector& v : pillow_vectors) {
            CAPTURE(v.channels, int(v.type), v.height, v.width, v.new_height, v.new_width);
            CHECK(checksum(resize_pillow(noise(v), v.new_height, v.new_width)) == v.checksum);
        }
}

TEST_CASE("resize_pillow does not let the colours of transparent pixels into visible ones") {
    image in(1, 8, 4);
    const auto row = in.row<std::uint8_t>(0);
    for (std::size_t x = 0; x < 8; ++x) {
        const std::uint8_t red[] = {200, 0, 0, 255}, hidden_green[] = {0, 255, 0, 0};
        std::ranges::copy(x < 4 ? red : hidden_green, &row[4 * x]);
    }
    const image out = resize_pillow(in, 1, 16);
    for (std::size_t x = 0; x < 16; ++x) CHECK(out.row<std::uint8_t>(0)[4 * x + 1] == 0);
}

TEST_CASE("resize_pillow refuses empty sizes") {
    CHECK_THROWS_AS(resize_pillow(image(2, 2, 1), 2, -1), error);
    CHECK_THROWS_AS(resize_pillow(image(), 2, 2), error);
}
