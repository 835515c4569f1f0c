// Losses that compare an image y with its target t: the mean over all numbers of a batch of
//
//   l1            |d|                            d = y - t
//   l2            d^2
//   charbonnier   sqrt(d^2 + epsilon^2)
//
// and total_variation, of an image alone: the mean of the squared differences of vertical neighbours, over N (H-1) W C
// pairs, plus that of horizontal neighbours, over N H (W-1) C pairs. Charbonnier et al. 1994, "Two deterministic
// half-quadratic regularization algorithms for computed imaging"; Rudin, Osher and Fatemi 1992 for total variation
// (here with squares).
//
// Every loss is a function of y, t and dy, all (N,H,W,C). It returns its value and adds `weight` times its gradient to
// dy. Sums are in double, in the order of the pixels, so that equal input gives equal bits. y and t of different shapes
// are an error.
#pragma once
#include <cmath>
#include <concepts>
#include <type_traits>

#include "fovea/loss/terms.hpp"
#include "fovea/tensor/tensor.hpp"

namespace fovea {

// A loss of an image and its target: l(y, t, dy, weight) with the contract of loss/pixel.hpp.
template <class L, class Real = float>
concept pixel_loss = requires(const L& l, tensor_view<const Real> y, tensor_view<Real> dy) {
    { l(y, y, dy, 1.) } -> std::convertible_to<double>;
};

namespace detail {

template <class Real> void check_same(const char* name, tensor_view<const Real> y, tensor_view<const Real> t) {
    if (y.batch() != t.batch() || y.height() != t.height() || y.width() != t.width() || y.channels() != t.channels())
        fail(name, ": a tensor of (", y.batch(), ',', y.height(), ',', y.width(), ',', y.channels(),
             ") beside a target of (", t.batch(), ',', t.height(), ',', t.width(), ',', t.channels(), ')');
}

// Returns the mean of f(d).value over all numbers, and adds weight times the gradient, from f(d).slope, to dy.
struct value_and_slope {
    double value, slope;
};
template <class Real, class F>
double mean_of(const char* name, tensor_view<const Real> y, tensor_view<const Real> t, tensor_view<Real> dy,
               double weight, F f) {
    check_same(name, y, t);
    const double numbers = double(y.batch()) * y.height() * y.width() * y.channels();
    double sum = 0;
    for (int n = 0; n < y.batch(); ++n)
        for (int h = 0; h < y.height(); ++h) {
            const Real *a = y.at(n, h, 0), *b = t.at(n, h, 0);
            Real* d = dy.data() ? dy.at(n, h, 0) : nullptr;
            double row = 0;
            for (int i = 0; i < y.width() * y.channels(); ++i) {
                const value_and_slope at = f(double(a[i]) - double(b[i]));
                row += at.value;
                if (d) d[i] += Real(weight / numbers * at.slope);
            }
            sum += row;
        }
    return sum / numbers;
}

} // namespace detail

// Mean absolute difference.
struct l1_loss {
    // Returns the loss of y and its target t, and adds `weight` times its gradient to dy unless dy is empty.
    template <class Real>
    double operator()(tensor_view<const Real> y, tensor_view<const Real> t,
                      std::type_identity_t<tensor_view<Real>> dy = {}, double weight = 1) const {
        return detail::mean_of(name, y, t, dy, weight, [](double d) {
            return detail::value_and_slope{std::abs(d), double((d > 0) - (d < 0))};
        });
    }
    loss_terms terms(double weight = 1) const { return {{loss_kind::l1, weight}}; }
    static constexpr const char* name = "l1";
};

// Mean squared difference.
struct l2_loss {
    // Returns the loss of y and its target t, and adds `weight` times its gradient to dy unless dy is empty.
    template <class Real>
    double operator()(tensor_view<const Real> y, tensor_view<const Real> t,
                      std::type_identity_t<tensor_view<Real>> dy = {}, double weight = 1) const {
        return detail::mean_of(name, y, t, dy, weight, [](double d) { return detail::value_and_slope{d * d, 2 * d}; });
    }
    loss_terms terms(double weight = 1) const { return {{loss_kind::l2, weight}}; }
    static constexpr const char* name = "l2";
};

// Mean of sqrt(d^2 + epsilon^2), a smooth l1.
struct charbonnier_loss {
    double epsilon = 1e-3;
    // Returns the loss of y and its target t, and adds `weight` times its gradient to dy unless dy is empty.
    template <class Real>
    double operator()(tensor_view<const Real> y, tensor_view<const Real> t,
                      std::type_identity_t<tensor_view<Real>> dy = {}, double weight = 1) const {
        return detail::mean_of(name, y, t, dy, weight, [e = epsilon * epsilon](double d) {
            const double root = std::sqrt(d * d + e);
            return detail::value_and_slope{root, root > 0 ? d / root : 0};
        });
    }
    loss_terms terms(double weight = 1) const { return {{loss_kind::charbonnier, weight, epsilon}}; }
    static constexpr const char* name = "charbonnier";
};

// Reads y only; the target is ignored.
struct total_variation_loss {
    // Returns the loss of y and its target t, and adds `weight` times its gradient to dy unless dy is empty.
    template <class Real>
    double operator()(tensor_view<const Real> y, tensor_view<const Real>,
                      std::type_identity_t<tensor_view<Real>> dy = {}, double weight = 1) const {
        const double rows = double(y.batch()) * y.channels();
        double value = 0;
        for (int down : {1, 0}) {
            const int height = y.height() - down, width = y.width() - (1 - down);
            const double pairs = rows * height * width;
            double sum = 0;
            for (int n = 0; n < y.batch(); ++n)
                for (int h = 0; h < height; ++h) {
                    const int right = down ? 0 : 1;
                    const Real *a = y.at(n, h, 0), *b = y.at(n, h + down, right);
                    Real* const da = dy.data() ? dy.at(n, h, 0) : nullptr;
                    Real* const db = dy.data() ? dy.at(n, h + down, right) : nullptr;
                    double row = 0;
                    for (int i = 0; i < width * y.channels(); ++i) {
                        const double d = double(b[i]) - double(a[i]), slope = 2 * weight * d / pairs;
                        row += d * d;
                        if (da) da[i] -= Real(slope), db[i] += Real(slope);
                    }
                    sum += row;
                }
            if (pairs > 0) value += sum / pairs;
        }
        return value;
    }
    loss_terms terms(double weight = 1) const { return {{loss_kind::total_variation, weight}}; }
    static constexpr const char* name = "total_variation";
};

} // namespace fovea
