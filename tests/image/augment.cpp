// Augmentations beside torchvision's, and their shares.
#include "fovea/image/augment.hpp"

#include <map>

#include "augment_vectors.hpp"
#include "fovea/image/resize_pillow.hpp"
#include "pictures.hpp"
#include "support/catch.hpp"

using namespace fovea;
using namespace fovea_test;

namespace {

// The picture that make_augment_vectors.py begins with, (H,W,3), f32.
image oracle_picture(int height, int width) {
    image out(height, width, 3, sample_type::f32);
    std::uint32_t x = 1;
    for (int y = 0; y < height; ++y)
        for (float& v : out.row<float>(y)) {
            x = 1664525u * x + 1013904223u;
            v = float(x >> 16) / 65536;
        }
    const float first[] = {0, 0, 0, 1, 1, 1, 0.5f, 0.5f, 0.5f, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0.25f};
    std::ranges::copy(first, out.row<float>(0).begin());
    return out;
}

double distance(const image& a, std::size_t pixels) {
    REQUIRE(pixels + a.row<float>(0).size() * std::size_t(a.height()) <= std::size(augmented_pixels));
    double worst = 0;
    for (int y = 0; y < a.height(); ++y)
        for (const float v : a.row<float>(y))
            worst = std::max(worst, std::abs(double(v) - double(augmented_pixels[pixels++])));
    return worst;
}

} // namespace

// Both sides compute in float, in orders of their own. A blend has four roundings of numbers below 3: 4 * 3 * 2^-24 =
// 7e-7. Hue goes through a division by the span and a product with it, and through numbers up to 6: 6 * 2^-24 * 4 =
// 1.5e-6. Jitter is three blends and a hue in a row, each up to 2.5 times the difference of what it is given.
TEST_CASE("brightness, contrast, saturation and hue are torchvision's") {
    const image base = oracle_picture(6, 7);
    constexpr std::array adjust{adjust_brightness, adjust_contrast, adjust_saturation, adjust_hue};
    for (const auto& v : adjusted_vectors) {
        CAPTURE(v.kind, v.factor);
        CHECK(distance(adjust[v.kind](base, v.factor), v.pixels) < 2e-6);
    }
}

TEST_CASE("colour jitter draws and orders as torchvision's") {
    const image base = oracle_picture(6, 7);
    for (const auto& v : jittered_vectors) {
        CAPTURE(v.seed);
        random_stream random(v.seed);
        const auto drawn = random_jitter({v.brightness, v.contrast, v.saturation, v.hue}, random);
        CHECK(distance(with_jitter(base, drawn), v.pixels) < 1e-5);
    }
}

TEST_CASE("random resized crops are torchvision's, with their fallback") {
    int fallbacks = 0;
    for (const auto& v : box_vectors) {
        CAPTURE(v.seed, v.picture_height, v.picture_width);
        random_stream random(v.seed);
        const resized_crop_options o{v.least_area, v.most_area, v.least_aspect, v.most_aspect};
        const crop_box expected{v.y, v.x, v.height, v.width};
        CHECK(random_resized_crop(v.picture_height, v.picture_width, o, random) == expected);
        fallbacks += random.position() == 20;
    }
    CHECK(fallbacks >= 8);
}

// Ours sums in double and rounds to float after each pass, theirs is in double to the end: 2 * 1.5 * 2^-24 = 2e-7.
TEST_CASE("a resized part is torchvision's antialiased bicubic") {
    const image base = oracle_picture(20, 24);
    for (const auto& v : resized_vectors) {
        const image part = resize_pillow(crop(base, {v.y, v.x, v.height, v.width}), v.size, v.size);
        CHECK(distance(part, v.pixels) < 3e-7);
    }
}

TEST_CASE("neutral factors change nothing") {
    const image base = oracle_picture(6, 7);
    CHECK(with_jitter(base, {}) == base);
    CHECK(adjust_brightness(base, 1) == base);
    random_stream random(1);
    CHECK(random_jitter({}, random).factor == jitter{}.factor);
    CHECK(random_brightness({.low = 0.5f, .high = 2, .probability = 0}, random) == 1);
}

TEST_CASE("colours are adjusted in RGB of floats only") {
    CHECK(contains(error_of([] { adjust_hue(image(2, 2, 3), 0.1f); }), "adjust_hue: 3 channels of 1 bytes"));
    CHECK(contains(error_of([] { adjust_contrast(image(2, 2, 1, sample_type::f32), 2); }), "expected RGB of floats"));
}

// 8000 draws: the standard deviation of a share p is sqrt(p (1 - p) / 8000) <= 0.0056; five of them are 0.028.
TEST_CASE("orientations come with their probabilities") {
    random_stream random(5);
    const auto shares = [&](const augmentation& a) {
        std::map<int, double> share;
        for (int i = 0; i < 8000; ++i) share[random_orientation(a, random)] += 1 / 8000.;
        return share;
    };
    auto all = shares(dihedral_augmentation);
    for (int orientation = 1; orientation <= 8; ++orientation) CHECK(all[orientation] == Approx(1 / 8.).margin(0.028));
    auto vapsr = shares(vapsr_augmentation);
    CHECK(vapsr[1] == Approx(0.6 * 0.5).margin(0.028));
    CHECK(vapsr[2] == Approx(0.4 * 0.5).margin(0.028));
    for (const int turned : {6, 3, 8}) CHECK(vapsr[turned] == Approx(0.6 * 0.5 / 3).margin(0.028));
    for (const int turned : {7, 4, 5}) CHECK(vapsr[turned] == Approx(0.4 * 0.5 / 3).margin(0.028));
    auto supercool = shares(supercool_augmentation);
    CHECK(supercool.size() == 2);
    CHECK(supercool[2] == Approx(0.5).margin(0.028));
}

TEST_CASE("mirroring comes before turning clockwise") {
    const image in = varied(3, 5, 3);
    const image mirrored = upright(in, 2), once = upright(mirrored, 6);
    CHECK(upright(in, 7) == once);
    CHECK(upright(in, 4) == upright(once, 6));
    CHECK(upright(in, 5) == upright(upright(once, 6), 6));
    CHECK(once.row<std::uint8_t>(0)[0] == mirrored.row<std::uint8_t>(2)[0]); // bottom left comes to the top left
}

TEST_CASE("brightness changes with its probability, within its range") {
    random_stream random(9);
    int changed = 0;
    for (int i = 0; i < 8000; ++i) {
        const float factor = random_brightness(vapsr_augmentation.brightness, random);
        changed += factor != 1;
        CHECK((factor >= 0.5f && factor <= 1.2f));
    }
    CHECK(changed / 8000. == Approx(0.2).margin(0.028)); // as above
}

TEST_CASE("plain parts lie everywhere inside, each place as likely") {
    random_stream random(2);
    std::map<std::pair<int, int>, int> places;
    for (int i = 0; i < 6000; ++i) {
        const crop_box box = random_crop(7, 9, 5, 6, random);
        CHECK((box.height == 5 && box.width == 6));
        ++places[{box.y, box.x}];
    }
    CHECK(places.size() == 12); // 3 rows, 4 columns
    // 500 each, deviation sqrt(6000 / 12 * 11 / 12) = 21; five of them are 107.
    for (const auto& [place, count] : places) CHECK(std::abs(count - 500) < 107);
    CHECK(random_crop(4, 4, 4, 4, random) == crop_box{0, 0, 4, 4});
}

TEST_CASE("options without sense are named") {
    const auto reason = [](augmentation a) { return error_of([&] { check(a); }); };
    CHECK(reason(dihedral_augmentation).empty());
    CHECK(reason(vapsr_augmentation).empty());
    CHECK(reason(supercool_augmentation).empty());
    CHECK(contains(reason({.size = 0}), "augmentation: size 0"));
    CHECK(contains(reason({.mirror = 1.5f}), "mirror 1.5"));
    CHECK(contains(reason({.turn = -1}), "turn -1"));
    CHECK(contains(reason({.resized = resized_crop_options{.least_area = 0}}), "least area 0"));
    CHECK(contains(reason({.resized = resized_crop_options{.most_area = 2}}), "most area 2"));
    CHECK(contains(reason({.resized = resized_crop_options{.least_aspect = 2, .most_aspect = 1}}), "least aspect 2"));
    CHECK(contains(reason({.brightness = {.low = 2, .high = 1, .probability = 1}}), "brightness 2"));
    CHECK(contains(reason({.brightness = {.probability = 3}}), "brightness probability 3"));
    CHECK(contains(reason({.jitter = {.hue = 0.6f}}), "hue jitter 0.6"));
    CHECK(contains(reason({.jitter = {.contrast = -0.5f}}), "contrast jitter -0.5"));
}
