// What Adam (optimizer/adam.hpp) does to some numbers of a parameter: the contract of the kernel.
//
//   w *= kept, g' = g + decay w, m = beta1 m + (1 - beta1) g', v = beta2 v + (1 - beta2) g'^2
//   w -= size m / (sqrt(v) / root + epsilon)
#pragma once
#include <cstddef>

namespace fovea {

struct adam_call {
    float *w, *m, *v;
    const float* g;
    std::size_t count;
};
struct adam_factors {
    float beta1, rest1, beta2, rest2; // rest: 1 - beta, rounded from double
    float size, root, epsilon;        // size: learning rate / (1 - beta1^t); root: sqrt(1 - beta2^t)
    float kept, decay;                // of the weight decay: the one or the other
};
using adam_kernel = void (*)(const adam_call&, const adam_factors&);

} // namespace fovea
