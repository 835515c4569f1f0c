// The operations of the library as products of matrices in float64, by Eigen: an oracle that shares no loop with the
// reference backend.
//
// Activations are (N H W, C), one row a pixel. Whatever moves pixels is a matrix from the left, a Kronecker product of one
// matrix for each axis: of a convolution's tap p it has a one where output i reads input i * stride + offset +
// (p - K/2) * dilation, and a row of zeros where that lies outside the image. Whatever mixes channels is a matrix from the
// right. A convolution is then im2col and a product: P = [S_1 X ... S_T X] for its T taps, Y = P F^T, dF = dY^T P,
// dP = dY F, and dX sums S_t^T dP_t.
#pragma once
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include <Eigen/Dense>
#include <Eigen/SparseCore>

#include "fovea/core/interpolation.hpp"
#include "fovea/ops/kernel.hpp"

namespace fovea_test::oracle {

using matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using sparse = Eigen::SparseMatrix<double, Eigen::RowMajor>;

struct pixel_grid {
    int images = 1, height = 1, width = 1;
    int pixels() const { return images * height * width; }
    bool operator==(const pixel_grid&) const = default;
};

inline sparse kronecker(const sparse& a, const sparse& b) {
    std::vector<Eigen::Triplet<double>> entries;
    for (int i = 0; i < a.outerSize(); ++i)
        for (sparse::InnerIterator of_a(a, i); of_a; ++of_a)
            for (int j = 0; j < b.outerSize(); ++j)
                for (sparse::InnerIterator of_b(b, j); of_b; ++of_b)
                    entries.emplace_back(int(of_a.row() * b.rows() + of_b.row()),
                                         int(of_a.col() * b.cols() + of_b.col()), of_a.value() * of_b.value());
    sparse product(a.rows() * b.rows(), a.cols() * b.cols());
    product.setFromTriplets(entries.begin(), entries.end());
    return product;
}
// The same for every image of a batch: `rows` maps the rows of an image, `columns` its columns.
inline sparse on_images(int images, const sparse& rows, const sparse& columns) {
    sparse identity(images, images);
    identity.setIdentity();
    return kronecker(kronecker(identity, rows), columns);
}

// Where the windows of a convolution or a pooling lie.
struct window_shape {
    int kernel = 1, stride = 1, dilation = 1, offset = 0;
    int source(int output, int tap) const { return output * stride + offset + (tap - kernel / 2) * dilation; }
    int outputs(int size) const { return (size - 1 - 2 * offset) / stride + 1; }
};

// The matrix (outputs, inputs) of one tap along one axis.
inline sparse tap_matrix(const window_shape& s, int tap, int outputs, int inputs) {
    sparse m(outputs, inputs);
    for (int i = 0; i < outputs; ++i)
        if (const int at = s.source(i, tap); at >= 0 && at < inputs) m.insert(i, at) = 1;
    return m;
}
// S_1 ... S_T, row by row of the kernel.
inline std::vector<sparse> tap_matrices(const window_shape& s, pixel_grid in, pixel_grid out) {
    std::vector<sparse> all;
    for (int p = 0; p < s.kernel; ++p)
        for (int q = 0; q < s.kernel; ++q)
            all.push_back(
                on_images(in.images, tap_matrix(s, p, out.height, in.height), tap_matrix(s, q, out.width, in.width)));
    return all;
}

// [S_1 X ... S_T X]
inline matrix patches(const std::vector<sparse>& taps, const matrix& x) {
    matrix p(taps[0].rows(), Eigen::Index(taps.size()) * x.cols());
    for (std::size_t t = 0; t < taps.size(); ++t) p.middleCols(Eigen::Index(t) * x.cols(), x.cols()) = taps[t] * x;
    return p;
}
// The transpose of the above: the sum of S_t^T P_t.
inline matrix scattered(const std::vector<sparse>& taps, const matrix& p) {
    const Eigen::Index channels = p.cols() / Eigen::Index(taps.size());
    matrix x = matrix::Zero(taps[0].cols(), channels);
    for (std::size_t t = 0; t < taps.size(); ++t)
        x += taps[t].transpose() * p.middleCols(Eigen::Index(t) * channels, channels);
    return x;
}

// A weight as files have it, (O, I/groups K K), as what patches are multiplied with: [F_1 ... F_T], (O, T I), zero where
// output and input are of different groups. `f` is called with row and column there, and row and column of the weight.
template <class F> void each_filter_entry(Eigen::Index outputs, Eigen::Index inputs, int taps, int groups, F f) {
    const Eigen::Index group = inputs / groups;
    for (Eigen::Index o = 0; o < outputs; ++o)
        for (int t = 0; t < taps; ++t)
            for (Eigen::Index i = 0; i < group; ++i)
                f(o, t * inputs + o / (outputs / groups) * group + i, o, i * taps + t);
}
inline matrix filter_matrix(const matrix& w, Eigen::Index inputs, int taps, int groups) {
    matrix f = matrix::Zero(w.rows(), taps * inputs);
    each_filter_entry(w.rows(), inputs, taps, groups,
                      [&](auto row, auto column, auto o, auto at) { f(row, column) = w(o, at); });
    return f;
}
inline matrix weight_of_filter(const matrix& f, Eigen::Index inputs, int taps, int groups) {
    matrix w(f.rows(), taps * inputs / groups);
    each_filter_entry(f.rows(), inputs, taps, groups,
                      [&](auto row, auto column, auto o, auto at) { w(o, at) = f(row, column); });
    return w;
}

// Winograd's F(M x M, 3 x 3) by the theorem that it rests on. Let V be the evaluation of polynomials with M + 2
// coefficients at M + 1 points and at infinity; the product of a filter g of 3 coefficients and u of M has the
// coefficients V^-1 ((V_3 g) o (V_M u)), V_n being the evaluation of n coefficients. Correlation with g is the transpose
// of that map of u: y = V_M^T ((V_3 g) o (V^-T d)), so that A^T = V_M^T, G = V_3 and B^T = V^-T. Lavin and Gray 2015,
// arXiv 1509.09308.
template <class Real = double> struct winograd_matrices {
    using real_matrix = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    real_matrix input, filter, output; // B^T, G, A^T

    explicit winograd_matrices(const std::vector<double>& points) {
        const auto n = Eigen::Index(points.size()) + 1;
        const auto evaluation = [&](Eigen::Index coefficients) {
            matrix v = matrix::Zero(n, coefficients);
            for (Eigen::Index i = 0; i + 1 < n; ++i)
                for (Eigen::Index k = 0; k < coefficients; ++k) v(i, k) = std::pow(points[std::size_t(i)], double(k));
            v(n - 1, coefficients - 1) = 1; // at infinity the highest coefficient alone is left
            return v;
        };
        input = evaluation(n).inverse().transpose().template cast<Real>();
        filter = evaluation(3).template cast<Real>();
        output = evaluation(n - 2).transpose().template cast<Real>();
    }
    Eigen::Index tile() const { return output.rows(); }
};

// A 3x3 convolution of one image, height x width pixels of `x`, without bias; w is (O, I 9).
template <class Real>
matrix winograd_convolution(const winograd_matrices<Real>& m, const matrix& x, const matrix& w, int height, int width) {
    using real_matrix = typename winograd_matrices<Real>::real_matrix;
    const Eigen::Index tile = m.tile(), inputs = x.cols(), outputs = w.rows(), n = tile + 2;
    matrix y(height * width, outputs);
    std::vector<real_matrix> filters; // G g G^T of each output and input
    for (Eigen::Index o = 0; o < outputs; ++o)
        for (Eigen::Index i = 0; i < inputs; ++i) {
            const matrix g = Eigen::Map<const matrix>(w.data() + (o * inputs + i) * 9, 3, 3);
            filters.push_back(m.filter * g.template cast<Real>() * m.filter.transpose());
        }
    for (int top = 0; top < height; top += int(tile))
        for (int left = 0; left < width; left += int(tile)) {
            std::vector<real_matrix> patches; // B^T d B of each input
            for (Eigen::Index i = 0; i < inputs; ++i) {
                real_matrix d = real_matrix::Zero(n, n);
                for (int r = std::max(0, 1 - top); r < n && top + r - 1 < height; ++r)
                    for (int c = std::max(0, 1 - left); c < n && left + c - 1 < width; ++c)
                        d(r, c) = Real(x((top + r - 1) * width + left + c - 1, i));
                patches.push_back(m.input * d * m.input.transpose());
            }
            for (Eigen::Index o = 0; o < outputs; ++o) {
                real_matrix sum = real_matrix::Zero(n, n);
                for (Eigen::Index i = 0; i < inputs; ++i)
                    sum += filters[std::size_t(o * inputs + i)].cwiseProduct(patches[std::size_t(i)]);
                const real_matrix block = m.output * sum * m.output.transpose();
                for (int r = 0; r < tile && top + r < height; ++r)
                    for (int c = 0; c < tile && left + c < width; ++c)
                        y((top + r) * width + left + c, o) = double(block(r, c));
            }
        }
    return y;
}

// The matrix (size * factor, size) that magnifies along one axis. Output i lies at (i + 1/2) / factor - 1/2; pixels beyond
// the border repeat the last. bicubic is the cardinal spline of tension a = -0.75 (the frameworks'): the cubic through
// the values of the two pixels around whose slopes there are -a times the difference of the neighbours on either side.
inline sparse magnification(int size, int factor, fovea::interpolation filter) {
    matrix m = matrix::Zero(size * factor, size);
    const auto at = [&](int i) { return std::min(std::max(i, 0), size - 1); };
    for (int i = 0; i < size * factor; ++i) {
        const double position = (i + 0.5) / factor - 0.5;
        const int left = int(std::floor(position));
        const double t = position - left;
        if (filter == fovea::interpolation::nearest) {
            m(i, i / factor) = 1;
        } else if (filter == fovea::interpolation::bilinear) {
            m(i, at(left)) += 1 - t, m(i, at(left + 1)) += t;
        } else {
            // Hermite's basis: value and slope at 0, value and slope at 1.
            const Eigen::RowVector4d powers(1, t, t * t, t * t * t);
            Eigen::Matrix4d hermite, ends = Eigen::Matrix4d::Zero();
            hermite << 1, 0, 0, 0, 0, 1, 0, 0, -3, -2, 3, -1, 2, 1, -2, 1;
            ends(0, 1) = ends(2, 2) = 1; // of the pixels left - 1 ... left + 2
            ends(1, 0) = ends(3, 1) = -0.75, ends(1, 2) = ends(3, 3) = 0.75;
            const Eigen::RowVector4d weights = powers * hermite * ends;
            for (int k = 0; k < 4; ++k) m(i, at(left - 1 + k)) += weights(k);
        }
    }
    return m.sparseView();
}

} // namespace fovea_test::oracle
