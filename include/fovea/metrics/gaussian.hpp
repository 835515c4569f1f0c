// The weights of a Gaussian window along one axis: exp(-d^2 / (2 sigma^2)) at the distances d of `size` positions from
// their centre, normalised to sum 1. A two-dimensional window is the product of two.
#pragma once
#include <cmath>
#include <cstddef>
#include <vector>

namespace fovea::detail {

inline std::vector<double> gaussian_weights(int size, double sigma) {
    std::vector<double> weights;
    double sum = 0;
    for (int i = 0; i < size; ++i) {
        const double d = i - (size - 1) / 2.;
        weights.push_back(std::exp(-d * d / (2 * sigma * sigma)));
        sum += weights.back();
    }
    for (double& w : weights) w /= sum;
    return weights;
}

} // namespace fovea::detail
