// What tests are fed with and measure by: random numbers, tensors of them, and how far two results lie apart.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <ranges>
#include <span>
#include <vector>

#include "fovea/core/random.hpp"
#include "fovea/tensor/tensor.hpp"

namespace fovea_test {

// Uniform in [low, high).
inline void fill_at_random(std::span<float> to, std::uint64_t seed, float low, float high) {
    fovea::random_stream random(seed);
    for (float& v : to) v = low + (high - low) * random.uniform();
}
inline std::vector<float> random_floats(std::size_t count, std::uint64_t seed, float low = -1, float high = 1) {
    std::vector<float> numbers(count);
    fill_at_random(numbers, seed, low, high);
    return numbers;
}
inline fovea::tensor<float> random_tensor(int batch, int height, int width, int channels, std::uint64_t seed = 3,
                                          float low = 0, float high = 1) {
    fovea::tensor<float> x(batch, height, width, channels);
    fill_at_random({x.data(), x.size()}, seed, low, high);
    return x;
}

inline fovea::tensor<float> copy_of(fovea::tensor_view<const float> v) {
    fovea::tensor<float> t(v.batch(), v.height(), v.width(), v.channels());
    for (int n = 0; n < v.batch(); ++n)
        for (int h = 0; h < v.height(); ++h) std::copy_n(v.at(n, h, 0), v.width() * v.channels(), t.at(n, h, 0));
    return t;
}
inline std::span<const float> numbers_of(const fovea::tensor<float>& t) { return {t.data(), t.size()}; }
inline bool same_shape(const fovea::tensor<float>& a, const fovea::tensor<float>& b) {
    return a.batch() == b.batch() && a.height() == b.height() && a.width() == b.width() && a.channels() == b.channels();
}

// Both are NaN or equal, zeros of either sign being different.
inline bool same(float a, float b) { return (a != a && b != b) || (a == b && std::signbit(a) == std::signbit(b)); }

inline bool same_bits(const fovea::tensor<float>& a, const fovea::tensor<float>& b) {
    return same_shape(a, b) && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// The largest difference of two lists; infinite where their lengths differ, or one number is NaN and the other is not.
// NaN at the same place in both, and equal infinities, are no difference.
template <std::ranges::contiguous_range A, std::ranges::contiguous_range B> double difference(const A& a, const B& b) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    if (std::ranges::size(a) != std::ranges::size(b)) return infinity;
    double worst = 0;
    for (std::size_t i = 0; i < std::ranges::size(a); ++i) {
        const double x = double(a[i]), y = double(b[i]);
        if (std::isnan(x) != std::isnan(y)) return infinity;
        if (!std::isnan(x) && x != y) worst = std::max(worst, std::fabs(x - y));
    }
    return worst;
}
template <std::ranges::contiguous_range B> double difference(const fovea::tensor<float>& a, const B& b) {
    return difference(numbers_of(a), b);
}
inline double difference(const fovea::tensor<float>& a, const fovea::tensor<float>& b) {
    return same_shape(a, b) ? difference(numbers_of(a), numbers_of(b)) : std::numeric_limits<double>::infinity();
}

// The largest difference of lists that must be finite; infinite where either is not, or their lengths differ.
template <std::ranges::contiguous_range A, std::ranges::contiguous_range B> double distance(const A& a, const B& b) {
    const auto finite = [](auto v) { return std::isfinite(v); };
    if (!std::ranges::all_of(a, finite) || !std::ranges::all_of(b, finite))
        return std::numeric_limits<double>::infinity();
    return difference(a, b);
}
inline double distance(const fovea::tensor<float>& a, const fovea::tensor<float>& b) {
    return same_shape(a, b) ? distance(numbers_of(a), numbers_of(b)) : std::numeric_limits<double>::infinity();
}

// That distance in units of the largest number of `expected`, or of `least` where that is larger.
template <std::ranges::contiguous_range A, std::ranges::contiguous_range B>
double relative_distance(const A& is, const B& expected, double least = 0) {
    double largest = least;
    for (auto v : expected) largest = std::max(largest, std::fabs(double(v)));
    const double d = distance(is, expected);
    return d == 0 ? 0 : d / largest;
}
inline double relative_distance(const fovea::tensor<float>& is, const fovea::tensor<float>& expected,
                                double least = 0) {
    if (!same_shape(is, expected)) return std::numeric_limits<double>::infinity();
    return relative_distance(numbers_of(is), numbers_of(expected), least);
}

// The length of the difference of two vectors in units of that of `expected`.
inline double relative_length(std::span<const float> is, std::span<const float> expected) {
    if (is.size() != expected.size()) return std::numeric_limits<double>::infinity();
    double error = 0, square = 0;
    for (std::size_t i = 0; i < is.size(); ++i) {
        error += std::pow(double(is[i]) - double(expected[i]), 2);
        square += double(expected[i]) * double(expected[i]);
    }
    return std::sqrt(error / square);
}

// The root of the mean squared difference from a, against that of a around its mean.
inline double relative_error(const fovea::tensor<float>& a, const fovea::tensor<float>& b) {
    if (!same_shape(a, b)) return std::numeric_limits<double>::infinity();
    double mean = 0, square = 0, error = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        mean += double(a.data()[i]), square += double(a.data()[i]) * double(a.data()[i]);
        error += std::pow(double(a.data()[i]) - double(b.data()[i]), 2);
    }
    const double n = double(a.size());
    return std::sqrt(error / n / (square / n - mean / n * mean / n));
}

} // namespace fovea_test
