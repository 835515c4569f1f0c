// The receptive field of the values of a network.
#pragma once
#include "fovea/graph/graph.hpp"

namespace fovea {

// Stands for a value that depends on the whole image.
inline constexpr int whole_image = 1 << 24;

// Returns how many pixels of the network's input on either side of its own position a pixel of tensor `t` depends on;
// whole_image or more if it depends on all of them. A kernel that computes whole Winograd tiles reads more pixels, which
// changes nothing but the rounding; they do not count.
constexpr int receptive_radius(const graph& g, int t) {
    int radius = 0;
    const ratio scale = g.tensors[std::size_t(t)].scale;
    for (int phase = 0; phase < std::max(scale.num, 1); ++phase) {
        std::vector<range> need(std::size_t(t) + 1, range{});
        need.back() = {phase, phase + 1};
        for (auto o = g.operations.rbegin(); o != g.operations.rend(); ++o) {
            if (o->y > t) continue;
            const range out = need[std::size_t(o->y)];
            footprint reads = o->reads;
            reads.grain = 1;
            need[std::size_t(o->x[0])] = need[std::size_t(o->x[0])].join(reads(out, whole_image));
            if (o->x[1] >= 0) need[std::size_t(o->x[1])] = need[std::size_t(o->x[1])].join(out);
        }
        radius = std::max({radius, -need[0].begin, need[0].end - 1});
    }
    return radius;
}

} // namespace fovea
