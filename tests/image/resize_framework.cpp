#include "fovea/image/resize_framework.hpp"

#include <vector>

#include "support/catch.hpp"

using namespace fovea;

namespace {

image row_of(const std::vector<float>& values) {
    image out(1, int(values.size()), 1, sample_type::f32);
    std::ranges::copy(values, out.row<float>(0).begin());
    return out;
}

void check_row(const image& out, const std::vector<double>& expected) {
    REQUIRE(out.row<float>(0).size() == expected.size());
    // Sums of four products of numbers below 8 with weights below 1.6 in float: 4 * 8 * 1.6 * 2^-24 = 3e-6.
    for (std::size_t i = 0; i < expected.size(); ++i)
        CHECK(out.row<float>(0)[i] == Approx(expected[i]).margin(4e-6).epsilon(0));
}

} // namespace

// By hand: doubling puts outputs a quarter to either side of each pixel. With a = -0.75 the bicubic weights there are
// k(1.25), k(0.25), k(0.75), k(1.75) = -0.10546875, 0.87890625, 0.26171875, -0.03515625.
TEST_CASE("bicubic doubling has the weights of a = -0.75 and replicates the border") {
    const double far = -0.10546875, near = 0.87890625, next = 0.26171875, last = -0.03515625;
    check_row(resize_framework(row_of({0, 0, 0, 1, 0, 0, 0}), 1, 14),
              {0, 0, 0, last, far, next, near, near, next, far, last, 0, 0, 0});
    check_row(resize_framework(row_of({1, 0, 0, 0}), 1, 8),
              {near + next + last, far + near, next + last, far, last, 0, 0, 0});
    check_row(resize_framework(row_of({2, 7}), 1, 2), {2, 7});
}

TEST_CASE("bicubic shrinking is not antialiased") {
    // Halving lies midway between pixels: k(1.5), k(0.5) = -0.09375, 0.59375.
    check_row(resize_framework(row_of({0, 0, 1, 0, 0, 0, 0, 0}), 1, 4), {-0.09375, 0.59375, 0, 0});
}

TEST_CASE("bilinear and nearest") {
    check_row(resize_framework(row_of({0, 4, 8}), 1, 6, interpolation::bilinear), {0, 1, 3, 5, 7, 8});
    check_row(resize_framework(row_of({1, 2, 3}), 1, 7, interpolation::nearest), {1, 1, 1, 2, 2, 3, 3});
    check_row(resize_framework(row_of({1, 2, 3, 4, 5}), 1, 2, interpolation::nearest), {1, 3});
    const image tall = resize_framework(row_of({0, 4}), 3, 4, interpolation::bilinear);
    for (int y = 0; y < 3; ++y) CHECK(tall.row<float>(y)[1] == 1.f);
}

TEST_CASE("columns are resized as rows are, channel by channel") {
    image in(4, 4, 3, sample_type::f32), turned(4, 4, 3, sample_type::f32);
    for (int y = 0; y < 4; ++y)
        for (int x = 0; x < 4; ++x)
            for (int c = 0; c < 3; ++c)
                in.row<float>(y)[std::size_t(3 * x + c)] = turned.row<float>(x)[std::size_t(3 * y + c)] =
                    float((7 * y + 3 * x + 5 * c) % 11) / 11;
    const image a = resize_framework(in, 9, 3), b = resize_framework(turned, 3, 9);
    for (int y = 0; y < 9; ++y)
        for (int x = 0; x < 3; ++x)
            for (int c = 0; c < 3; ++c)
                CHECK(a.row<float>(y)[std::size_t(3 * x + c)] ==
                      Approx(b.row<float>(x)[std::size_t(3 * y + c)]).margin(1e-6));
}

TEST_CASE("resize_framework takes floats only") { CHECK_THROWS_AS(resize_framework(image(2, 2, 3), 4, 4), error); }
