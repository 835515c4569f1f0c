// An activation of a user's own, which no backend fuses.
#pragma once
#include <cmath>

#include "fovea/layers/activation.hpp"

namespace fovea_test {

struct mish : fovea::activation<mish> { // x tanh(log(1 + exp(x)))
    template <class Real> FOVEA_HOST_DEVICE static Real f(Real x) { return x * std::tanh(std::log1p(std::exp(x))); }
    template <class Real> static Real d(Real x) {
        const Real t = std::tanh(std::log1p(std::exp(x))), s = 1 / (1 + std::exp(-x));
        return t + x * s * (1 - t * t);
    }
};

} // namespace fovea_test
