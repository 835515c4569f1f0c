// The convolutions of a network that may be computed with less precision than float32: all but the first ones, which
// read the image, and the last ones, whose result no other convolution reads. Those have few channels, and their errors
// are seen directly.
#pragma once
#include <vector>

#include "fovea/graph/graph.hpp"

namespace fovea {

namespace detail {

// Returns whether an operation mixes channels or pixels by weights, as convolutions and fused blocks do.
constexpr bool is_convolution(const operation& o) { return o.w[0] >= 0 && count(o.dims) > std::size_t(o.dims[0]); }

// Returns for each operation whether one that mixes reads its result, directly or through others.
inline std::vector<char> feeds_convolution(const graph& g) {
    std::vector<char> tensor(g.tensors.size(), 0), result(g.operations.size(), 0);
    for (std::size_t i = g.operations.size(); i-- > 0;) {
        const operation& o = g.operations[i];
        result[i] = tensor[std::size_t(o.y)];
        for (int x : o.x)
            if (x >= 0 && (result[i] || is_convolution(o))) tensor[std::size_t(x)] = 1;
    }
    return result;
}

} // namespace detail

// Returns the indices of the inner convolutions for which `fits` (operation::fits_int8 or fits_halves) is set.
inline std::vector<std::size_t> inner_convolutions(const graph& g, bool operation::*fits) {
    const auto inner = detail::feeds_convolution(g);
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < g.operations.size(); ++i)
        if (g.operations[i].*fits && inner[i] && g.operations[i].x[0] != 0) found.push_back(i);
    return found;
}

// Passes changed attributes of o on to the packing of its weights.
inline void arrange_anew(graph& g, const operation& o) {
    for (auto& p : g.preparations)
        if (p.out == o.w[0]) p.a = o.a;
}

} // namespace fovea
