// Keeps tensors of a network in 16 bits between operations.
//
// Every number is rounded to nearest even where it is stored, and widened where it is read. Three kinds of tensors stay
// float32: the network's input and output; what the tail reads, because that is the picture itself or is added to it,
// so that its rounding would be seen; and what an operation reads as a whole, because a float32 copy would save
// nothing.
#pragma once
#include "fovea/core/error.hpp"
#include "fovea/graph/precision.hpp"
#include "fovea/graph/tail.hpp"

namespace fovea {

// Changes the formats of tensors, and in training of their gradients. Throws where no tensor can change, or where the
// backend has neither kernels for 16 bits nor conversions.
inline void store_in(graph& g, number_format format) {
    const std::string_view name = name_of(g.precision);
    if (!g.backend.converts_16_bits && !std::ranges::all_of(g.operations, &operation::takes_16_bits))
        fail("precision ", name, ": this backend cannot convert numbers of 16 bits");
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
        if (!stays[i]) g.tensors[i].format = format, changed = true;
    if (!changed) fail("precision ", name, ": this network keeps no tensor that could be in 16 bits");
}

// Tells each packing of weights the format of the tensor that they are multiplied with.
inline void pack_in_stored_formats(graph& g) {
    for (auto& p : g.preparations)
        for (auto& o : g.operations) {
            if (o.w[0] == p.out) p.format = g.tensors[std::size_t(o.x[0])].format;
            if (o.d.arranged == p.out) p.format = g.tensors[std::size_t(o.y)].format; // the format of its gradient
        }
}

} // namespace fovea
