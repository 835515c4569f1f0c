// Layers and networks on the library's backends against eigen_tape.hpp: values, gradients, running estimates.
#pragma once
#include "fovea/fovea.hpp"
#include "fovea/tensor/eigen.hpp"
#include "support/catch.hpp"
#include "support/eigen_tape.hpp"

namespace fovea_test::oracle {

using namespace fovea;

// The rows of a view may lie apart, so that each is a map of its own.
template <class Real> matrix matrix_of(tensor_view<const Real> v) {
    matrix m(v.batch() * v.height() * v.width(), v.channels());
    for (int n = 0, at = 0; n < v.batch(); ++n)
        for (int h = 0; h < v.height(); ++h, at += v.width())
            m.middleRows(at, v.width()) = as_matrix(v, n, h).template cast<double>();
    return m;
}
template <class Real> void copy_to(tensor_view<Real> v, const matrix& m) {
    for (int n = 0, at = 0; n < v.batch(); ++n)
        for (int h = 0; h < v.height(); ++h, at += v.width())
            as_matrix(v, n, h) = m.middleRows(at, v.width()).template cast<Real>();
}
template <class Real> tensor<Real> tensor_of_matrix(pixel_grid grid, const matrix& m) {
    tensor<Real> t(grid.images, grid.height, grid.width, int(m.cols()));
    copy_to(t.view(), m);
    return t;
}
// Normal numbers that float32 has, so that all backends are given the same.
inline matrix random_matrix(Eigen::Index rows, Eigen::Index columns, std::uint64_t seed, double deviation = 1) {
    random_stream random(seed);
    matrix m(rows, columns);
    for (Eigen::Index i = 0; i < m.size(); ++i) m.data()[i] = double(float(deviation * double(random.normal())));
    return m;
}

// Activations stay near one: a weight of n inputs has the deviation 1 / sqrt(n + 4), scales lie around one.
template <class Real> void randomise(basic_trainable<Real>& net) {
    std::uint64_t seed = 100;
    for (auto& p : net.parameters()) {
        auto m = values_as_matrix(p);
        const bool scale = m.cols() == 1 && (p.name.ends_with("weight") || p.name.ends_with("weight_g"));
        m = random_matrix(m.rows(), m.cols(), ++seed, 1 / std::sqrt(double(m.cols()) + 4)).template cast<Real>();
        if (scale) m = (m.template cast<float>().array() + 1.f).template cast<Real>();
    }
    for (auto& b : net.buffers()) {
        auto m = values_as_matrix(b);
        m = random_matrix(m.rows(), 1, ++seed, 0.25).template cast<Real>();
        if (b.name.ends_with("running_var"))
            m = (m.array().abs() + Real(0.5)).template cast<float>().template cast<Real>();
    }
    net.weights_changed();
}
template <class Real> std::vector<matrix> matrices_of(const std::vector<basic_parameter<Real>>& parameters) {
    std::vector<matrix> all;
    for (auto& p : parameters) all.push_back(values_as_matrix(p).template cast<double>());
    return all;
}

struct oracle_case {
    bool smooth = false; // has activations that the cpu backend approximates
    bool batch_statistics = true;
    convolution_method method = convolution_method::automatic;
    double tolerance = 0; // another one than tolerance_of's, in float32
};

// With T terms of random signs, each of size s, a sum is of size s sqrt(T), and so are its partial sums, at most. Each of
// T roundings is off by at most a unit of that, and they are independent: 8 sqrt(T) units of the largest sum are never
// seen together. The oracle's own sums are as long, which is the factor 2 where the backend is in float64, too. Errors
// pass from operation to operation with gains near one, but for normalisations, which divide by the deviation.
// `approximation`: of the cpu's smooth activations and their derivatives, 1e-6 of numbers up to some units.
template <class Real> double tolerance_of(const tape& t, const oracle_case& o, double approximation) {
    if (o.tolerance > 0 && sizeof(Real) == 4) return o.tolerance;
    const double unit = double(std::numeric_limits<Real>::epsilon()) / 2;
    return t.operations * t.amplification * (2 * 8 * std::sqrt(t.longest_sum) * unit + (o.smooth ? approximation : 0));
}
// In units of the largest number, or of one.
inline double error_in_units(const matrix& is, const matrix& expected) {
    REQUIRE(is.rows() == expected.rows());
    REQUIRE(is.cols() == expected.cols());
    if (!is.allFinite()) return std::numeric_limits<double>::infinity();
    return (is - expected).cwiseAbs().maxCoeff() / std::max(1., expected.cwiseAbs().maxCoeff());
}

// build(tape, input) writes a network down, and returns its last value.
using builder = std::function<int(tape&, int)>;

template <class Real>
void check_training(basic_trainable<Real>& net, pixel_grid in, const builder& build, const oracle_case& o,
                    double approximation) {
    randomise(net);
    tape expected(matrices_of(net.parameters()), matrices_of(net.buffers()));
    expected.batch_statistics = o.batch_statistics;
    const matrix x = random_matrix(in.pixels(), net.traced().tensors.front().channels, 1);
    const int last = build(expected, expected.input(in, x));
    REQUIRE(expected.all_used());

    const auto input = tensor_of_matrix<Real>(in, x);
    const auto y = net.forward(input.view());
    const auto& out = expected[last];
    REQUIRE(pixel_grid{y.batch(), y.height(), y.width()} == out.grid);
    const matrix dy = random_matrix(out.y.rows(), out.y.cols(), 2), is = matrix_of(y);
    copy_to(net.output_gradient(), dy);
    net.backward();
    expected.backward(dy);

    const double tolerance = tolerance_of<Real>(expected, o, approximation);
    CHECK(error_in_units(is, out.y) < tolerance);
    CHECK(error_in_units(matrix_of(net.input_gradient()), expected[0].dy) < tolerance);
    for (std::size_t i = 0; i < net.parameters().size(); ++i) {
        const auto& p = net.parameters()[i];
        INFO(p.name);
        CHECK(error_in_units(gradients_as_matrix(p).template cast<double>(), expected.weights[i].gradient) < tolerance);
    }
    for (std::size_t i = 0; i < net.buffers().size(); ++i) {
        const auto& b = net.buffers()[i];
        INFO(b.name);
        CHECK(error_in_units(values_as_matrix(b).template cast<double>(), expected.buffers()[i]) < tolerance);
    }
    net.clear_gradients();
}

// As it is run, with activations and skips in the convolutions, and running estimates in normalisations.
inline void check_inference(upscaler& net, basic_trainable<float>& weights, pixel_grid in, const builder& build,
                            const oracle_case& o, double approximation) {
    tape expected(matrices_of(weights.parameters()), matrices_of(weights.buffers()));
    expected.batch_statistics = false;
    const matrix x = random_matrix(in.pixels(), weights.traced().tensors.front().channels, 1);
    const int last = build(expected, expected.input(in, x));
    const auto y = net(tensor_of_matrix<float>(in, x).view());
    CHECK(error_in_units(matrix_of(std::as_const(y).view()), expected[last].y) <
          tolerance_of<float>(expected, o, approximation));
}

inline tensor_file file_of(basic_trainable<float>& net) {
    tensor_file file;
    for (auto* list : {&net.parameters(), &net.buffers()})
        for (auto& p : *list)
            file.add(tensor_of(p.name, {p.dims.begin(), p.dims.end()}, std::vector(p.value, p.value + p.size())));
    return file;
}

// On the reference backend in float64 and float32 and on the cpu backend, in training and in inference, over odd sizes.
template <class... Layers> void check_against_oracle(const builder& build, const oracle_case& o = {}) {
    using net = sequential<Layers...>;
    constexpr double exact = 0, approximation = 5e-6;
    const int more = smallest_side(shapes_of<net>()) - 1;
    const trainable_options options{
        .input_gradient = true, .batch_statistics = o.batch_statistics, .convolution = o.method};
    trainable<net, basic_reference<double>> of_doubles(options);
    trainable<net, reference> of_reference(options), weights;
    trainable<net, cpu> of_cpu(options);
    randomise(weights);
    model<net, reference> plain(file_of(weights));
    model<net, cpu> fused(file_of(weights), {.convolution = o.method});
    for (auto [height, width] : {std::pair{1, 1}, {1, 7}, {5, 3}, {13, 19}}) {
        INFO(width + more << "x" << height + more);
        const pixel_grid in{2, height + more, width + more};
        check_training(of_doubles, in, build, o, exact);
        check_training(of_reference, in, build, o, exact);
        check_training(of_cpu, in, build, o, approximation);
        check_inference(plain, weights, in, build, o, exact);
        check_inference(fused, weights, in, build, o, approximation);
    }
}

} // namespace fovea_test::oracle
