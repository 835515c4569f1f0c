// The update rule of Adam and AdamW for single numbers. The CPU and CUDA kernels share its factors; optimizer/adam.hpp
// has the sources.
//
//   w *= kept, g' = g + decay w, m = beta1 m + (1 - beta1) g', v = beta2 v + (1 - beta2) g'^2
//   w -= size m / (sqrt(v) / root + epsilon)
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace fovea {

// Options of Adam and AdamW, named as in the papers.
struct adam_options {
    double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0;
    bool decoupled = false; // true: AdamW's decay of w itself; false: Adam's, added to the gradient
    bool operator==(const adam_options&) const = default;
};

// The numbers of one step, the same for all parameters.
struct adam_factors {
    float beta1, rest1, beta2, rest2; // rest: 1 - beta, computed in double before it is rounded
    float size, root, epsilon;        // size: learning rate / (1 - beta1^t); root: sqrt(1 - beta2^t)
    float kept, decay;                // kept: factor of w (AdamW), else 1; decay: share of w added to g (Adam), else 0
};
// The factors for step number `step`, which counts from 1.
inline adam_factors factors_of(const adam_options& o, double learning_rate, std::int64_t step) {
    return {.beta1 = float(o.beta1),
            .rest1 = float(1 - o.beta1),
            .beta2 = float(o.beta2),
            .rest2 = float(1 - o.beta2),
            .size = float(learning_rate / (1 - std::pow(o.beta1, double(step)))),
            .root = float(std::sqrt(1 - std::pow(o.beta2, double(step)))),
            .epsilon = float(o.epsilon),
            .kept = o.decoupled ? float(1 - learning_rate * o.weight_decay) : 1.f,
            .decay = o.decoupled ? 0.f : float(o.weight_decay)};
}

// Arguments of the CPU kernel: it overwrites w, m and v, (count) numbers each, and reads the gradient g.
struct adam_call {
    float *w, *m, *v;
    const float* g;
    std::size_t count;
};
using adam_kernel = void (*)(const adam_call&, const adam_factors&);

} // namespace fovea
