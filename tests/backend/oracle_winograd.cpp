// Winograd's convolution of the cpu backend against its own matrices, and those against im2col.
#include "support/against_oracle.hpp"
#include "support/isa.hpp"

using namespace fovea;
using namespace fovea_test::oracle;

namespace {

const double root = std::sqrt(0.5);
const std::vector<double> points_of_4 = {0, root, -root, 2 * root, -2 * root},
                          points_of_6 = {0, 1, -1, 0.5, -0.5, 2, -2};

template <class Real> matrix winograd_of(int tile, pixel_grid grid, const matrix& x, const matrix& w) {
    const winograd_matrices<Real> m(tile == 4 ? points_of_4 : points_of_6);
    matrix y(x.rows(), w.rows());
    const int image = grid.height * grid.width;
    for (int n = 0; n < grid.images; ++n)
        y.middleRows(n * image, image) =
            winograd_convolution(m, x.middleRows(n * image, image), w, grid.height, grid.width);
    return y;
}
matrix convolved(pixel_grid grid, const matrix& x, const matrix& w) {
    return patches(tap_matrices({.kernel = 3}, grid, grid), x) * filter_matrix(w, x.cols(), 9, 1).transpose();
}

constexpr pixel_grid grids[] = {{1, 1, 1}, {1, 1, 7}, {2, 5, 3}, {1, 13, 19}};

template <int In, int Out> void check_winograd(int tile) {
    trainable<conv<In, Out, 3>, cpu> weights({.convolution = convolution_method::winograd});
    randomise(weights);
    for (auto& bias : weights.parameters())
        if (bias.name.ends_with("bias")) values_as_matrix(bias).setZero();
    const matrix w = values_as_matrix(weights.parameters()[0]).template cast<double>();
    model<conv<In, Out, 3>, cpu> net(file_of(weights), {.convolution = convolution_method::winograd});
    const attributes a = net.traced().operations.at(0).a;
    REQUIRE(a.method == convolution_method::winograd);
    REQUIRE(a.tile == tile);
    double worst = 0, worst_of_eigen = 0;
    for (pixel_grid grid : grids) {
        const matrix x = random_matrix(grid.pixels(), In, 1), exact = convolved(grid, x, w);
        const auto y = net(tensor_of_matrix<float>(grid, x).view());
        worst = std::max(worst, error_in_units(matrix_of(std::as_const(y).view()), exact));
        worst_of_eigen = std::max(worst_of_eigen, error_in_units(winograd_of<float>(tile, grid, x, w), exact));
    }
    INFO(In << "->" << Out << ", tile " << tile << ": error of the kernel " << worst << ", of Eigen's products "
            << worst_of_eigen);
    // The same sums in another order and with the factors of G elsewhere: of errors that are the largest of thousands of
    // numbers, one is not four times the other unless something else is wrong. An error as small as Eigen's tenth would
    // mean that another method ran.
    CHECK(worst < 4 * worst_of_eigen);
    CHECK(worst > worst_of_eigen / 10);
}

} // namespace

TEST_CASE("Winograd's matrices give the convolution") {
    for (int tile : {4, 6})
        for (pixel_grid grid : grids)
            for (auto [in, out] : {std::pair{1, 1}, {3, 5}, {17, 16}}) {
                INFO("tile " << tile << ", " << in << "->" << out);
                const matrix x = random_matrix(grid.pixels(), in, 1), w = random_matrix(out, in * 9, 2);
                // Transforms amplify a rounding of 2^-53 by up to 7.4^4 (tests/backend/winograd.cpp), and sums have 153
                // terms.
                const double tolerance = 3000 * std::sqrt(153.) * std::ldexp(1., -53);
                CHECK(error_in_units(winograd_of<double>(tile, grid, x, w), convolved(grid, x, w)) < tolerance);
            }
}

TEST_CASE("Winograd on the cpu is as exact as its matrices in float32") {
    FOVEA_NEEDS_ISA();
    check_winograd<16, 17>(4);
    check_winograd<48, 20>(4);
    check_winograd<64, 48>(6);
    check_winograd<80, 65>(6);
}

TEST_CASE("gradients of convolutions by Winograd") {
    FOVEA_NEEDS_ISA();
    const auto build = [](tape& t, int x) { return t.convolution(x, {.window = {3}}); };
    // Of the largest number: 1e-5 with the smaller tile, and four times that with the larger one, as in winograd.cpp.
    check_against_oracle<conv<16, 24, 3>>(build, {.method = convolution_method::winograd, .tolerance = 1e-5});
    check_against_oracle<conv<64, 48, 3>>(build, {.method = convolution_method::winograd, .tolerance = 4e-5});
}
