// Weights for a network that nobody trained: random, of a size that keeps activations near one.
#pragma once
#include "fovea/core/random.hpp"
#include "fovea/io/weights/tensor_file.hpp"
#include "fovea/layers/properties.hpp"
#include "fovea/tensor/tensor.hpp"
#include "support/compare.hpp"

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

} // namespace fovea_test
