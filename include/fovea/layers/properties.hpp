// Properties of a network as constants: receptive radius and number of parameters.
#pragma once
#include "fovea/graph/receptive_field.hpp"
#include "fovea/layers/layer.hpp"

namespace fovea {

// The graph of a network without kernels.
template <class Network> constexpr graph shapes_of(const depths& d = {}) {
    tracer<inference, shapes_only> t;
    t.depth = d;
    Network::trace(t, value<Network::in_channels>{t.add_tensor(Network::in_channels, ratio{})});
    return t;
}

// The receptive radius: how many input pixels on either side of its own position an output pixel depends on. For
// networks that keep or enlarge the size.
template <class Network> constexpr int radius_of(const depths& d = {}) {
    const graph g = shapes_of<Network>(d);
    return receptive_radius(g, int(g.tensors.size()) - 1);
}

// The number of trainable parameters, counted as single numbers.
template <class Network> constexpr std::size_t parameters_of(const depths& d = {}) {
    std::size_t n = 0;
    const graph g = shapes_of<Network>(d);
    for (auto& w : g.weights) n += w.kind == weight_kind::parameter ? count(w.dims) : 0;
    return n;
}

} // namespace fovea
