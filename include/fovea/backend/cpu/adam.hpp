// Adam's update; ops/adam_rule.hpp has the formula and the contract. The kernel waits for memory most of the time.
#pragma once
#include <algorithm>

#include "fovea/backend/cpu/simd.hpp"
#include "fovea/ops/adam_rule.hpp"

namespace fovea::FOVEA_ISA {

inline void update_by_adam(const adam_call& u, const adam_factors& f) {
    const vf beta1 = broadcast(f.beta1), rest1 = broadcast(f.rest1), beta2 = broadcast(f.beta2),
             rest2 = broadcast(f.rest2), size = broadcast(f.size), root = broadcast(1 / f.root),
             epsilon = broadcast(f.epsilon), kept = broadcast(f.kept), decay = broadcast(f.decay);
    for (std::size_t i = 0; i < u.count; i += lanes) {
        const int n = int(std::min(u.count - i, std::size_t(lanes)));
        const vf w = load_first(u.w + i, n) * kept, g = fma(decay, w, load_first(u.g + i, n));
        const vf m = fma(beta1, load_first(u.m + i, n), rest1 * g);
        const vf v = fma(beta2, load_first(u.v + i, n), rest2 * g * g);
        store_first(u.m + i, m, n), store_first(u.v + i, v, n);
        store_first(u.w + i, w - size * m / fma(square_root(v), root, epsilon), n);
    }
}

} // namespace fovea::FOVEA_ISA
