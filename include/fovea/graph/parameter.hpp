// A weight and its gradient, as optimizers see them.
#pragma once
#include <algorithm>
#include <cmath>
#include <span>
#include <string>

#include "fovea/graph/graph.hpp"

namespace fovea {

// A parameter or buffer, in the layout of weight files. Valid as long as the network.
template <class Real> struct basic_parameter {
    std::string name;
    weight_shape dims{};
    int rank = 1; // its dimensions in weight files; the other sizes in dims are 1
    Real* value = nullptr;
    Real* gradient = nullptr; // null: it is a buffer
    // Numbers of the weight; its values and gradients as spans of so many numbers.
    std::size_t size() const { return count(dims); }
    std::span<Real> values() const { return {value, size()}; }
    std::span<Real> gradients() const { return {gradient, size()}; }
};
using parameter = basic_parameter<float>;

// Returns whether all numbers are finite.
inline bool all_finite(std::span<const float> numbers) {
    return std::ranges::all_of(numbers, [](float v) { return std::isfinite(v); });
}

} // namespace fovea
