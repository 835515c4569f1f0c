// Weights for a network that nobody trained: random, of a size that keeps activations near one.
#pragma once
#include "fovea/core/random.hpp"
#include "fovea/io/weights/tensor_file.hpp"
#include "fovea/layers/properties.hpp"
#include "fovea/tensor/tensor.hpp"

namespace fovea_test {

template <class Network> fovea::tensor_file random_weights(const fovea::depths& d = {}, std::uint64_t seed = 7) {
    fovea::tensor_file file;
    file.source = "random weights";
    fovea::random_stream random(seed);
    const fovea::graph g = fovea::shapes_of<Network>(d);
    for (auto& w : g.weights) {
        if (w.kind == fovea::weight_kind::derived) continue;
        const std::size_t n = fovea::count(w.dims), fan_in = n / std::size_t(w.dims[0]);
        const bool positive = w.name == "running_var" || w.name == "weight_g" || (w.name == "weight" && fan_in == 1);
        std::vector<float> values(n);
        for (float& v : values)
            v = positive ? 0.5f + random.uniform() : random.normal() / std::sqrt(float(fan_in == 1 ? 16 : fan_in));
        std::vector<std::int64_t> dims(w.dims.begin(), w.dims.end());
        file.add(fovea::tensor_of(g.name(w), dims, values));
    }
    return file;
}

inline fovea::tensor<float> random_tensor(int batch, int height, int width, int channels, std::uint64_t seed = 3) {
    fovea::tensor<float> x(batch, height, width, channels);
    fovea::random_stream random(seed);
    for (std::size_t i = 0; i < x.size(); ++i) x.data()[i] = random.uniform();
    return x;
}

// The largest difference; infinity where either is not finite or the sizes differ.
inline double distance(const fovea::tensor<float>& a, const fovea::tensor<float>& b) {
    if (a.batch() != b.batch() || a.height() != b.height() || a.width() != b.width() || a.channels() != b.channels())
        return std::numeric_limits<double>::infinity();
    double worst = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double d = std::abs(double(a.data()[i]) - double(b.data()[i]));
        worst = d <= worst ? worst : d == d ? d : std::numeric_limits<double>::infinity();
    }
    return worst;
}

// The root of the mean squared difference from a, against that of a around its mean.
inline double relative_error(const fovea::tensor<float>& a, const fovea::tensor<float>& b) {
    double mean = 0, square = 0, error = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        mean += double(a.data()[i]), square += double(a.data()[i]) * double(a.data()[i]);
        error += std::pow(double(a.data()[i]) - double(b.data()[i]), 2);
    }
    const double n = double(a.size());
    return std::sqrt(error / n / (square / n - mean / n * mean / n));
}

inline bool same_bits(const fovea::tensor<float>& a, const fovea::tensor<float>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

} // namespace fovea_test
