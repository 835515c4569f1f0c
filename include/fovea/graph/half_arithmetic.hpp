// Lets inner convolutions of a network that is stored in fp16 also multiply in it, where the machine can.
//
// Activations, weights and short sums then have 11 significant bits (backend/cpu/half_products.hpp says how short); all
// else stays float32.
#pragma once
#include "fovea/graph/cost.hpp"
#include "fovea/graph/inner_convolutions.hpp"

namespace fovea {

// Changes operations. Those that Winograd computes with fewer products stay float32.
inline void multiply_halves(graph& g) {
    if (!g.backend.multiplies_halves()) return;
    for (std::size_t i : inner_convolutions(g, &operation::fits_halves)) {
        operation& o = g.operations[i];
        o.a.halves = o.takes_16_bits = true;
        o.work *= cost::half;
        arrange_anew(g, o);
    }
}

} // namespace fovea
