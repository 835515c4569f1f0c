// Which tensors of a network are kept in 16 bits between operations.
//
// Every number is rounded where it is stored, to nearest even, and widened where it is read. float32 stay the network's
// input and output; what the tail reads, which is the picture itself or is added to it, so that its rounding would be
// seen; and what an operation reads whole, of which a float32 copy would save nothing.
#pragma once
#include "fovea/core/error.hpp"
#include "fovea/graph/fusion.hpp"
#include "fovea/graph/precision.hpp"
#include "fovea/graph/tail.hpp"

namespace fovea {

// Changes the formats of tensors, after tracing; in training, where a backend has kernels for that, of their gradients,
// too. Throws where that is none, or where the backend has no conversions.
inline void store_in(graph& g, precision_kind precision) {
    const bool converts = g.widen && g.narrow;
    if (!converts && !std::ranges::all_of(g.operations, &operation::takes_16_bits))
        fail("precision ", name_of(precision), ": this backend cannot convert numbers of 16 bits");
    std::vector<char> stays(g.tensors.size(), 0);
    stays.front() = stays.back() = 1;
    const std::size_t tail = detail::tail_of(g);
    for (std::size_t i = 0; i < g.operations.size(); ++i) {
        const operation& o = g.operations[i];
        if (i >= tail) stays[std::size_t(o.y)] = 1;
        if (i >= tail || o.reads.whole)
            for (int x : o.x)
                if (x >= 0) stays[std::size_t(x)] = 1;
    }
    bool changed = false;
    for (std::size_t i = 0; i < g.tensors.size(); ++i)
        if (!stays[i]) g.tensors[i].format = stored_format(precision), changed = true;
    if (!changed) fail("precision ", name_of(precision), ": this network keeps no tensor that could be in 16 bits");
    fuse_in_16_bits(g);
    for (auto& p : g.preparations)
        for (auto& o : g.operations) {
            if (o.w[0] == p.out) p.format = g.tensors[std::size_t(o.x[0])].format;
            if (o.d.arranged == p.out) p.format = g.tensors[std::size_t(o.y)].format; // as its gradient
        }
}

} // namespace fovea
