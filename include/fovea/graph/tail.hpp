// The tail of a network: its last operations, which have no weights (pixel shuffle, enlarged input, clamp).
#pragma once
#include "fovea/graph/graph.hpp"

namespace fovea::detail {

// The first operation of the tail: it and those after it have no weights, give pixels of the output's size, and read
// each other at their own pixel only.
constexpr std::size_t tail_of(const graph& g) {
    std::size_t first = g.operations.size();
    for (; first > 0; --first) {
        const operation& o = g.operations[first - 1];
        if (o.w[0] >= 0 || o.reads.whole || !(g.tensors[std::size_t(o.y)].scale == g.tensors.back().scale)) break;
        bool own_pixels = true;
        for (std::size_t i = first; i < g.operations.size(); ++i)
            if (g.operations[i].x[0] == o.y && !g.operations[i].reads.own_pixel()) own_pixels = false;
        if (!own_pixels) break;
    }
    return first;
}

} // namespace fovea::detail
