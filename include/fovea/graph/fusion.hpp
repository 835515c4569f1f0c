// Replaces runs of operations by one operation, after tracing and once the formats of tensors are known.
#pragma once
#include "fovea/graph/graph.hpp"

namespace fovea {

namespace detail {

// Erases the tensors that are marked, which nothing reads or writes any more.
inline void erase_tensors(graph& g, const std::vector<char>& unused) {
    std::vector<int> number(g.tensors.size(), -1);
    std::vector<tensor_info> kept;
    for (std::size_t i = 0; i < number.size(); ++i)
        if (!unused[i]) number[i] = int(kept.size()), kept.push_back(g.tensors[i]);
    g.tensors = std::move(kept);
    for (auto& o : g.operations) {
        o.y = number[std::size_t(o.y)];
        for (int k = 0; k < max_inputs; ++k)
            if (o.x[k] >= 0) o.x[k] = number[std::size_t(o.x[k])];
    }
    for (auto& o : g.outputs) o.tensor = o.tensor < 0 ? -1 : number[std::size_t(o.tensor)];
    std::erase_if(g.outputs, [](const output_of& o) { return o.tensor < 0; });
}

inline bool in_16_bits(const graph& g, const fused_run& f) {
    const auto half = [&](int t) { return t < 0 || g.tensors[std::size_t(t)].format != number_format::float32; };
    for (int i = f.first; i < f.first + f.count; ++i) {
        const operation& o = g.operations[std::size_t(i)];
        if (!half(o.y) || !std::ranges::all_of(o.x, half)) return false;
    }
    return true;
}

} // namespace detail

// Takes the fused operation where all tensors of the run are in 16 bits and the machine can run it.
inline void fuse_in_16_bits(graph& g) {
    std::vector<char> unused(g.tensors.size(), 0);
    for (auto f = g.fusions.rbegin(); f != g.fusions.rend(); ++f) { // so that the numbers of those before stay
        if (!detail::in_16_bits(g, *f) || !f->whole.kernels->runs_here()) continue;
        const auto first = g.operations.begin() + f->first, last = first + f->count - 1;
        for (auto o = first; o <= last; ++o) {
            if (o != last) unused[std::size_t(o->y)] = 1;
            std::erase_if(g.preparations, [&](const preparation& p) { return p.out == o->w[0]; });
        }
        f->whole.y = last->y;
        *first = f->whole;
        g.operations.erase(first + 1, last + 1);
        g.preparations.push_back(f->weights);
    }
    g.fusions.clear();
    detail::erase_tensors(g, unused);
}

} // namespace fovea
