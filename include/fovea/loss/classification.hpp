// Binary cross-entropy of logits: the mean over all numbers x of
//
//   max(x, 0) - x p + log(1 + exp(-|x|)),   p: the wanted probability, in [0, 1]
//
// x, dx are (N,1,1,1) or of any other equal shape. Adds weight times the gradient to dx; returns the loss without the
// weight.
#pragma once
#include <algorithm>

#include "fovea/loss/pixel.hpp"

namespace fovea {

// Binary cross-entropy as a function of logits and of a probability that all of them should have.
struct binary_cross_entropy_with_logits {
    // Returns the loss of logits x that all should have the probability `wanted`; adds `weight` times its gradient to
    // dx unless dx is empty.
    template <class Real>
    double operator()(tensor_view<const Real> x, double wanted, std::type_identity_t<tensor_view<Real>> dx = {},
                      double weight = 1) const {
        const double numbers = double(x.batch()) * x.height() * x.width() * x.channels();
        double sum = 0;
        for (int n = 0; n < x.batch(); ++n)
            for (int h = 0; h < x.height(); ++h)
                for (int i = 0; i < x.width() * x.channels(); ++i) {
                    const double logit = double(x.at(n, h, 0)[i]), small = std::exp(-std::abs(logit));
                    sum += std::max(logit, 0.) - logit * wanted + std::log1p(small);
                    const double probability = (logit >= 0 ? 1 : small) / (1 + small);
                    if (dx.data()) dx.at(n, h, 0)[i] += Real(weight / numbers * (probability - wanted));
                }
        return sum / numbers;
    }
    loss_terms terms(double wanted, double weight) const { return {{loss_kind::cross_entropy, weight, wanted}}; }
};

} // namespace fovea
