// The weighted sum of two losses, weighted_sum{l2_loss{}, 1., total_variation_loss{}, 0.5}, and the weight that
// normalises a loss by its own value. A loss of weight 0 is not computed.
#pragma once
#include "fovea/loss/pixel.hpp"

namespace fovea {

template <class A, class B> struct weighted_sum {
    A a;
    double a_weight = 1;
    B b;
    double b_weight = 1;

    // Returns the loss of y and its target t, and adds `weight` times its gradient to dy unless dy is empty.
    template <class Real>
    double operator()(tensor_view<const Real> y, tensor_view<const Real> t,
                      std::type_identity_t<tensor_view<Real>> dy = {}, double weight = 1) const {
        const double from_a = a_weight == 0 ? 0 : a_weight * a(y, t, dy, weight * a_weight);
        return from_a + (b_weight == 0 ? 0 : b_weight * b(y, t, dy, weight * b_weight));
    }
    loss_terms terms(double weight = 1) const requires requires(const A& x, const B& y) { x.terms(1.), y.terms(1.); }
    {
        loss_terms all;
        if (a_weight != 0) all = a.terms(weight * a_weight);
        if (b_weight != 0)
            for (auto& term : b.terms(weight * b_weight)) all.push_back(term);
        return all;
    }
};
template <class A, class B> weighted_sum(A, double, B, double) -> weighted_sum<A, B>;

// The factor 1 / |value| that makes a loss count as 1 whatever its value, which is treated as a constant. A loss that
// has reached zero gets 0 instead of 1 / 0. One that is not finite gets itself as the factor, so that the sum is not
// finite either and the caller notices.
FOVEA_HOST_DEVICE inline double detached_ratio(double value) {
    constexpr double zero = 1e-12; // smaller than any non-zero loss of float32 numbers near one
    if (!(fabs(value) < HUGE_VAL)) return value;
    return fabs(value) < zero ? 0 : 1 / fabs(value);
}

} // namespace fovea
