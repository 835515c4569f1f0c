// Eigen maps point to the numbers of tensors and parameters, whatever their strides, and say where they cannot.
#include "fovea/tensor/eigen.hpp"

#include <array>
#include <numeric>
#include <string>

#include "fovea/graph/parameter.hpp"
#include "fovea/tensor/eigen_tensor.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

using namespace fovea;
using fovea_test::error_of;

namespace {

// 0, 1, 2, ...
template <class T> std::array<T, 1000> counted() {
    std::array<T, 1000> numbers;
    std::iota(numbers.begin(), numbers.end(), T(0));
    return numbers;
}

// Every number of the map lies where the view has it.
template <class Map, class View> void check_pixels(const Map& m, const View& v) {
    REQUIRE(m.rows() == v.batch() * v.height() * v.width());
    REQUIRE(m.cols() == v.channels());
    int wrong = 0;
    for (int n = 0, pixel = 0; n < v.batch(); ++n)
        for (int h = 0; h < v.height(); ++h)
            for (int w = 0; w < v.width(); ++w, ++pixel)
                for (int c = 0; c < v.channels(); ++c) wrong += &m.coeffRef(pixel, c) != v.at(n, h, w) + c;
    CHECK(wrong == 0);
}

} // namespace

TEST_CASE("a matrix has a row for each pixel, and a column for each channel") {
    auto numbers = counted<float>();
    for (auto [n, h, w, c] : {std::array{1, 1, 1, 1}, {2, 3, 5, 4}, {3, 1, 7, 1}, {2, 5, 1, 3}, {4, 1, 1, 3}})
        check_pixels(as_matrix(tensor_view<float>(numbers.data(), n, h, w, c)),
                     tensor_view<float>(numbers.data(), n, h, w, c));
    tensor<double> x(2, 3, 5, 4);
    as_matrix(x).setConstant(2);
    as_matrix(x, 1, 2).row(3) *= 3;
    CHECK(as_matrix(std::as_const(x)).sum() == 2 * 120 + 4 * 4);
    CHECK(x.at(1, 2, 3)[3] == 6);
    CHECK(as_matrix(tensor_view<float>()).size() == 0);
}

TEST_CASE("pixels of one column, and images of one pixel, may lie apart") {
    auto numbers = counted<double>();
    const tensor_view<double> column(numbers.data(), 2, 5, 1, 3, 7, 35), one_pixel(numbers.data(), 6, 1, 1, 3, 11, 50);
    check_pixels(as_matrix(column), column);
    check_pixels(as_matrix(one_pixel), one_pixel);
    const tensor_view<double, 1> gray_column(numbers.data(), 2, 5, 1, 1, 7, 35);
    check_pixels(as_matrix(gray_column), gray_column);
}

TEST_CASE("rows that lie apart are mapped one by one, or as the rows of a matrix") {
    auto numbers = counted<float>();
    const tensor_view<float> v(numbers.data(), 2, 3, 5, 4, 23, 100);
    CHECK(error_of([&] { as_matrix(v); }) ==
          "as_matrix: the rows of this view lie 23 numbers apart: expected 20; "
          "as_matrix(view, image, row) maps one row of any view");
    CHECK(error_of([&] { as_tensor(v); }) ==
          "as_tensor: rows and images of this view lie 23 and 100 numbers apart: expected 20 and 60; as_matrix(view, "
          "image, row) maps one row of any view");
    const tensor_view<float> images_apart(numbers.data(), 2, 3, 5, 4, 20, 100);
    CHECK(error_of([&] { as_matrix(images_apart); }) ==
          "as_matrix: the images of this view lie 100 numbers apart: expected 60; as_matrix(view, image, row) maps one "
          "row of any view");
    for (int n = 0; n < 2; ++n) {
        const auto rows = as_rows(v, n);
        CHECK(rows.rows() == 3);
        CHECK(rows.cols() == 20);
        for (int h = 0; h < 3; ++h) {
            const auto pixels = as_matrix(v, n, h);
            CHECK(pixels.rows() == 5);
            CHECK(&pixels.coeffRef(2, 3) == v.at(n, h, 2) + 3);
            CHECK(&rows.coeffRef(h, 4 * 2 + 3) == v.at(n, h, 2) + 3);
        }
    }
    for (auto [n, h] : {std::array{2, 0}, {-1, 0}, {0, 3}, {0, -1}})
        CHECK(error_of([&, n = n, h = h] { as_matrix(v, n, h); }) ==
              text_of("as_matrix: row ", h, " of image ", n, ": expected one of 3 rows of 2 images"));
    CHECK(error_of([&] { as_rows(v, 2); }) == "as_rows: image 2: expected one of 2 images");
}

TEST_CASE("channels that a view's type has are columns that the map's type has, and constants stay constants") {
    auto numbers = counted<float>();
    const tensor_view<float, 3> rgb(numbers.data(), 1, 2, 5, 3);
    const tensor_view<float, 1> gray(numbers.data(), 2, 2, 5, 1);
    STATIC_REQUIRE(decltype(as_matrix(rgb))::ColsAtCompileTime == 3);
    STATIC_REQUIRE(decltype(as_matrix(rgb, 0, 0))::ColsAtCompileTime == 3);
    STATIC_REQUIRE(decltype(as_matrix(gray))::ColsAtCompileTime == 1);
    STATIC_REQUIRE(decltype(as_matrix(tensor_view<float>()))::ColsAtCompileTime == Eigen::Dynamic);
    check_pixels(as_matrix(rgb), rgb);
    check_pixels(as_matrix(gray), gray);
    const tensor_view<const float, 3> constants = rgb;
    STATIC_REQUIRE(std::is_same_v<decltype(as_matrix(rgb).data()), float*>);
    STATIC_REQUIRE(std::is_same_v<decltype(as_matrix(constants).data()), const float*>);
    STATIC_REQUIRE(std::is_same_v<decltype(as_rows(constants, 0).data()), const float*>);
    STATIC_REQUIRE(std::is_same_v<decltype(as_tensor(constants).data()), const float*>);
    STATIC_REQUIRE(std::is_same_v<decltype(as_matrix(std::declval<const tensor<float>&>()).data()), const float*>);
    CHECK(as_matrix(constants)(9, 2) == 29);
}

TEST_CASE("a tensor map has the four dimensions") {
    tensor<float> x(2, 3, 5, 4);
    auto m = as_tensor(x);
    m(1, 2, 4, 3) = 7;
    CHECK(x.at(1, 2, 4)[3] == 7);
    const Eigen::Tensor<float, 1, Eigen::RowMajor, Eigen::Index> sums =
        as_tensor(std::as_const(x)).sum(Eigen::array<int, 3>{0, 1, 2});
    CHECK(sums(3) == 7);
}

TEST_CASE("weights and gradients have a row for each output channel") {
    auto values = counted<float>(), gradients = counted<float>();
    const parameter p{
        .name = "w", .dims = {5, 2, 3, 3}, .rank = 4, .value = values.data(), .gradient = gradients.data()};
    CHECK(values_as_matrix(p).rows() == 5);
    CHECK(values_as_matrix(p).cols() == 18);
    values_as_matrix(p) -= 2 * gradients_as_matrix(p);
    CHECK(values[89] == -89);
    CHECK(values[90] == 90);
    CHECK(gradients_as_tensor(p)(4, 1, 2, 0) == 4 * 18 + 9 + 6);
    values_as_tensor(p)(0, 0, 0, 1) = 5;
    CHECK(values[1] == 5);
    const parameter bias{.name = "b", .dims = {7, 1, 1, 1}, .value = values.data()};
    CHECK(values_as_matrix(bias).rows() == 7);
    CHECK(values_as_matrix(bias).cols() == 1);
    const std::string reason = "b: has no gradient: expected a parameter that is trained, and no buffer";
    CHECK(error_of([&] { gradients_as_matrix(bias); }) == reason);
    CHECK(error_of([&] { gradients_as_tensor(bias); }) == reason);
}
