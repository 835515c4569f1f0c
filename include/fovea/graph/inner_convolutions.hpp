// The convolutions of a network that may be computed with less than float32: all but the first ones, which see the
// image, and the last ones, behind which there is none. Those have few channels, and their errors are seen directly.
#pragma once
#include <vector>

#include "fovea/graph/graph.hpp"

namespace fovea {

namespace detail {

// Whether an operation mixes channels or pixels by weights, as convolutions and fused blocks do.
constexpr bool is_convolution(const operation& o) { return o.w[0] >= 0 && count(o.dims) > std::size_t(o.dims[0]); }

// By operation: whether one that mixes reads its result, through others or not.
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

// Operations, by index, of those for which `fits` (operation::fits_int8, fits_halves) is set.
inline std::vector<std::size_t> inner_convolutions(const graph& g, bool operation::*fits) {
    const auto inner = detail::feeds_convolution(g);
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < g.operations.size(); ++i)
        if (g.operations[i].*fits && inner[i] && g.operations[i].x[0] != 0) found.push_back(i);
    return found;
}

// After o.a was changed: what arranges the weights of o knows it, too.
inline void arrange_anew(graph& g, const operation& o) {
    for (auto& p : g.preparations)
        if (p.out == o.w[0]) p.a = o.a;
}

} // namespace fovea
