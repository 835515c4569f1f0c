// Networks on the matrices of eigen_oracle.hpp: values, and by the chain rule every gradient. A test writes down the
// operations of a network; parameters are taken in the order in which the library lists them.
#pragma once
#include <algorithm>
#include <functional>

#include "support/eigen_oracle.hpp"

namespace fovea_test::oracle {

struct weight_matrix {
    matrix value, gradient; // (O, I/groups K K)
    explicit weight_matrix(matrix v) : value(std::move(v)), gradient(matrix::Zero(value.rows(), value.cols())) {}
};

class tape {
  public:
    tape(std::vector<matrix> parameters, std::vector<matrix> buffers) : buffers_(std::move(buffers)) {
        for (auto& p : parameters) weights.emplace_back(std::move(p));
    }

    std::vector<weight_matrix> weights;
    bool batch_statistics = true;
    // What the tolerance of a comparison is made of: the longest sum, the number of operations one after the other, and
    // what normalisations may make of an error that comes before them.
    double longest_sum = 1, operations = 0, amplification = 1;

    struct node {
        pixel_grid grid;
        matrix y, dy;
        std::function<void(const matrix& dy)> back;
    };
    const node& operator[](int i) const { return nodes_[std::size_t(i)]; }
    const std::vector<matrix>& buffers() const { return buffers_; }
    bool all_used() const { return next_weight_ == weights.size() && next_buffer_ == buffers_.size(); }

    int input(pixel_grid grid, matrix x) { return push(grid, std::move(x), {}); }

    // dy of the last node; afterwards all gradients are there.
    void backward(const matrix& dy) {
        nodes_.back().dy = dy;
        for (std::size_t i = nodes_.size(); i-- > 0;)
            if (nodes_[i].back) nodes_[i].back(nodes_[i].dy);
    }

    struct convolution_options {
        window_shape window{};
        int groups = 1;
        bool bias = true, weight_norm = false;
    };
    int convolution(int x, const convolution_options& o) {
        const pixel_grid in = grid(x), out{in.images, o.window.outputs(in.height), o.window.outputs(in.width)};
        const int taps = o.window.kernel * o.window.kernel;
        weight_matrix* length = o.weight_norm ? &take() : nullptr; // g, which comes before v
        weight_matrix& w = take();
        weight_matrix* bias = o.bias ? &take() : nullptr;
        const Eigen::VectorXd norms = w.value.rowwise().norm();
        matrix used = w.value;
        if (length) used = length->value.col(0).cwiseQuotient(norms).asDiagonal() * w.value;
        const Eigen::Index inputs = value(x).cols();
        const matrix f = filter_matrix(used, inputs, taps, o.groups);
        const auto s = tap_matrices(o.window, in, out);
        const matrix p = patches(s, value(x));
        matrix y = p * f.transpose();
        if (bias) y.rowwise() += bias->value.col(0).transpose();
        const double per_output = double(w.value.cols());
        note_sum(
            std::max({per_output + 1, double(out.pixels()), per_output * double(w.value.rows()) / double(inputs)}));
        return push(out, std::move(y), [=, this, &w](const matrix& dy) {
            const matrix dw = weight_of_filter(dy.transpose() * p, inputs, taps, o.groups);
            if (bias) bias->gradient.col(0) += dy.colwise().sum().transpose();
            add_gradient(x, scattered(s, dy * f));
            if (!length) {
                w.gradient += dw;
                return;
            }
            // w = g v / |v|: the part of dw along v goes to g, what is at right angles to it to v.
            const matrix direction = norms.cwiseInverse().asDiagonal() * w.value;
            const Eigen::VectorXd along = dw.cwiseProduct(direction).rowwise().sum();
            length->gradient.col(0) += along;
            w.gradient +=
                length->value.col(0).cwiseQuotient(norms).asDiagonal() * (dw - along.asDiagonal() * direction);
        });
    }

    int activation(int x, fovea::activation_kind kind, double slope = 0) {
        using enum fovea::activation_kind;
        const auto phi = [](double v) { return std::exp(-v * v / 2) / std::sqrt(2 * M_PI); };
        const auto normal = [](double v) { return (1 + std::erf(v / std::sqrt(2.))) / 2; };
        const auto sigmoid = [](double v) { return (1 + std::tanh(v / 2)) / 2; };
        const auto f = [=](double v) {
            return kind == relu         ? std::max(v, 0.)
                   : kind == leaky_relu ? std::max(v, 0.) + slope * std::min(v, 0.)
                   : kind == silu       ? v * sigmoid(v)
                   : kind == gelu       ? v * normal(v)
                                        : std::clamp(v, 0., 1.); // unit_range
        };
        const auto d = [=](double v) {
            return kind == relu         ? double(v > 0)
                   : kind == leaky_relu ? (v > 0 ? 1 : slope)
                   : kind == silu       ? sigmoid(v) + v * sigmoid(v) * sigmoid(-v)
                   : kind == gelu       ? normal(v) + v * phi(v)
                                        : double(v >= 0 && v <= 1);
        };
        return push(grid(x), value(x).unaryExpr(f),
                    [=, this](const matrix& dy) { add_gradient(x, dy.cwiseProduct(value(x).unaryExpr(d))); });
    }
    int prelu(int x) {
        weight_matrix& slope = take();
        const matrix below = value(x).cwiseMin(0.);
        note_sum(double(below.rows()));
        return push(grid(x), value(x).cwiseMax(0.) + below * slope.value.col(0).asDiagonal(),
                    [=, this, &slope](const matrix& dy) {
                        slope.gradient.col(0) += dy.cwiseProduct(below).colwise().sum().transpose();
                        matrix factor =
                            below.unaryExpr([](double v) { return double(v < 0); }) * slope.value.col(0).asDiagonal();
                        factor += below.unaryExpr([](double v) { return double(v == 0); });
                        add_gradient(x, dy.cwiseProduct(factor));
                    });
    }

    // Over the channels of each pixel: with the matrix of means J = 1 1^T / C, the centred values are X (I - J).
    int layer_norm(int x) {
        weight_matrix &gamma = take(), &beta = take();
        const Eigen::Index c = value(x).cols();
        const matrix centre = matrix::Identity(c, c) - matrix::Constant(c, c, 1. / double(c));
        const matrix centred = value(x) * centre;
        const Eigen::VectorXd inverse =
            (centred.rowwise().squaredNorm().array() / double(c) + epsilon).rsqrt().matrix();
        const matrix unit = inverse.asDiagonal() * centred;
        amplification *= std::max(1., inverse.maxCoeff());
        note_sum(double(std::max(c, unit.rows())));
        return push(grid(x), scaled(unit, gamma, beta), [=, this, &gamma, &beta](const matrix& dy) {
            const matrix du = scale_gradients(dy, unit, gamma, beta);
            const Eigen::VectorXd along = du.cwiseProduct(unit).rowwise().sum() / double(c);
            add_gradient(x, inverse.asDiagonal() * (du - along.asDiagonal() * unit) * centre);
        });
    }
    // Over the pixels of each channel, J from the left; else with the buffers mean and variance.
    int batch_norm(int x) {
        weight_matrix &gamma = take(), &beta = take();
        matrix &mean = buffers_[next_buffer_++], &variance = buffers_[next_buffer_++];
        const matrix& v = value(x);
        const double n = double(v.rows());
        const Eigen::RowVectorXd centre = batch_statistics ? v.colwise().mean().eval() : mean.col(0).transpose().eval();
        const matrix centred = v.rowwise() - centre;
        const Eigen::RowVectorXd square =
            batch_statistics ? (centred.colwise().squaredNorm() / n).eval() : variance.col(0).transpose().eval();
        const Eigen::VectorXd inverse = (square.array() + epsilon).rsqrt().matrix().transpose();
        const matrix unit = centred * inverse.asDiagonal();
        if (batch_statistics) { // running estimates take a tenth of the new one, of the variance the unbiased
            mean.col(0) += 0.1 * (centre.transpose() - mean.col(0));
            variance.col(0) += 0.1 * (square.transpose() * n / std::max(n - 1, 1.) - variance.col(0));
        }
        amplification *= std::max(1., inverse.maxCoeff());
        note_sum(n);
        const bool of_batch = batch_statistics;
        return push(grid(x), scaled(unit, gamma, beta), [=, this, &gamma, &beta](const matrix& dy) {
            matrix du = scale_gradients(dy, unit, gamma, beta);
            if (of_batch) {
                const Eigen::RowVectorXd along = du.cwiseProduct(unit).colwise().mean();
                du -= unit * along.asDiagonal();
                du.rowwise() -= du.colwise().mean().eval();
            }
            add_gradient(x, du * inverse.asDiagonal());
        });
    }

    // Channel k r^2 + p r + q becomes channel k of the pixel at (p, q) inside a square of r x r.
    int pixel_shuffle(int x, int r) {
        const pixel_grid in = grid(x), out{in.images, in.height * r, in.width * r};
        const Eigen::Index channels = value(x).cols() / (r * r);
        matrix y = matrix::Zero(out.pixels(), channels);
        std::vector<sparse> places;
        std::vector<matrix> picks; // (C, C r^2)
        for (int p = 0; p < r; ++p)
            for (int q = 0; q < r; ++q) {
                const auto place = [r](int size, int at) {
                    sparse m(size * r, size);
                    for (int i = 0; i < size; ++i) m.insert(i * r + at, i) = 1;
                    return m;
                };
                places.push_back(on_images(in.images, place(in.height, p), place(in.width, q)));
                picks.push_back(matrix::Zero(channels, channels * r * r));
                for (Eigen::Index k = 0; k < channels; ++k) picks.back()(k, k * r * r + p * r + q) = 1;
            }
        return linear_map(x, out, std::move(places), std::move(picks));
    }
    int upsample(int x, int factor, fovea::interpolation filter) {
        const pixel_grid in = grid(x);
        note_sum(16 * factor * factor); // taps that read a pixel
        return linear_map(
            x, {in.images, in.height * factor, in.width * factor},
            {on_images(in.images, magnification(in.height, factor, filter), magnification(in.width, factor, filter))},
            {matrix::Identity(value(x).cols(), value(x).cols())});
    }
    int average(int x) {
        const pixel_grid in = grid(x);
        const auto mean = [](int size) { return sparse(matrix::Constant(1, size, 1. / size).sparseView()); };
        note_sum(in.height * in.width);
        return linear_map(x, {in.images, 1, 1}, {on_images(in.images, mean(in.height), mean(in.width))},
                          {matrix::Identity(value(x).cols(), value(x).cols())});
    }
    // The largest of the taps that lie inside the image; the gradient goes to the first of them that is it.
    int max_pool(int x, const window_shape& s, int height, int width) {
        const pixel_grid in = grid(x), out{in.images, height, width};
        const auto taps = tap_matrices(s, in, out);
        constexpr double lowest = -std::numeric_limits<double>::infinity();
        matrix best = matrix::Constant(out.pixels(), value(x).cols(), lowest);
        std::vector<matrix> chosen; // one where the tap is the largest so far
        for (const sparse& t : taps) {
            const Eigen::VectorXd inside = t * Eigen::VectorXd::Ones(t.cols());
            matrix v = t * value(x);
            for (Eigen::Index i = 0; i < v.rows(); ++i)
                if (inside(i) == 0) v.row(i).setConstant(lowest);
            const matrix larger = (v.array() > best.array()).cast<double>();
            for (matrix& earlier : chosen) earlier = earlier.cwiseProduct(matrix::Ones(v.rows(), v.cols()) - larger);
            chosen.push_back(larger);
            best = best.cwiseMax(v);
        }
        note_sum(double(taps.size()));
        return push(out, best, [=, this](const matrix& dy) {
            for (std::size_t t = 0; t < taps.size(); ++t)
                add_gradient(x, taps[t].transpose() * dy.cwiseProduct(chosen[t]));
        });
    }

    int add(int a, int b) {
        return push(grid(a), value(a) + value(b), [=, this](const matrix& dy) {
            add_gradient(a, dy);
            add_gradient(b, dy);
        });
    }
    int multiply(int a, int b) {
        return push(grid(a), value(a).cwiseProduct(value(b)), [=, this](const matrix& dy) {
            add_gradient(a, dy.cwiseProduct(value(b)));
            add_gradient(b, dy.cwiseProduct(value(a)));
        });
    }
    int concatenate(int a, int b) {
        matrix y(value(a).rows(), value(a).cols() + value(b).cols());
        y << value(a), value(b);
        return push(grid(a), std::move(y), [=, this](const matrix& dy) {
            add_gradient(a, dy.leftCols(value(a).cols()));
            add_gradient(b, dy.rightCols(value(b).cols()));
        });
    }

  private:
    static constexpr double epsilon = double(1e-5f); // of both normalisations

    const pixel_grid& grid(int i) const { return nodes_[std::size_t(i)].grid; }
    const matrix& value(int i) const { return nodes_[std::size_t(i)].y; }
    void add_gradient(int i, const matrix& dx) { nodes_[std::size_t(i)].dy += dx; }
    void note_sum(double terms) { longest_sum = std::max(longest_sum, terms); }
    weight_matrix& take() { return weights.at(next_weight_++); }

    int push(pixel_grid grid, matrix y, std::function<void(const matrix&)> back) {
        matrix dy = matrix::Zero(y.rows(), y.cols());
        nodes_.push_back({grid, std::move(y), std::move(dy), std::move(back)});
        ++operations;
        return int(nodes_.size()) - 1;
    }
    // y = sum of S_t x F_t^T
    int linear_map(int x, pixel_grid out, std::vector<sparse> s, std::vector<matrix> f) {
        matrix y = matrix::Zero(out.pixels(), f[0].rows());
        for (std::size_t t = 0; t < s.size(); ++t) y += s[t] * (value(x) * f[t].transpose());
        return push(out, std::move(y), [=, this](const matrix& dy) {
            for (std::size_t t = 0; t < s.size(); ++t) add_gradient(x, s[t].transpose() * (dy * f[t]));
        });
    }
    static matrix scaled(const matrix& unit, const weight_matrix& gamma, const weight_matrix& beta) {
        matrix y = unit * gamma.value.col(0).asDiagonal();
        y.rowwise() += beta.value.col(0).transpose();
        return y;
    }
    static matrix scale_gradients(const matrix& dy, const matrix& unit, weight_matrix& gamma, weight_matrix& beta) {
        gamma.gradient.col(0) += dy.cwiseProduct(unit).colwise().sum().transpose();
        beta.gradient.col(0) += dy.colwise().sum().transpose();
        return dy * gamma.value.col(0).asDiagonal();
    }

    std::vector<matrix> buffers_;
    std::vector<node> nodes_;
    std::size_t next_weight_ = 0, next_buffer_ = 0;
};

} // namespace fovea_test::oracle
