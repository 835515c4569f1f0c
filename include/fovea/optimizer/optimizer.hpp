// What an optimizer is, and what all of them share.
//
//   struct my_optimizer {
//       void step(std::span<const parameter>, double learning_rate);   // one step from the gradients
//       template <class F> void each_state(F f);                       // f(name, std::vector<float>&): what to save
//       std::int64_t steps = 0;                                        // done so far
//       static constexpr const char* name;
//   };
// State is made at the first step, one vector for each parameter and kind; whoever resumes calls prepare() first.
#pragma once
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <vector>

#include "fovea/model/parameter.hpp"

namespace fovea {

template <class O>
concept optimizer = requires(O o, std::span<const parameter> p) {
    o.step(p, 1e-3);
    o.prepare(p);
    { o.steps } -> std::convertible_to<std::int64_t>;
    { O::name } -> std::convertible_to<const char*>;
};

// One vector of numbers for each parameter.
struct optimizer_state {
    std::vector<std::vector<float>> of;
    void prepare(std::span<const parameter> parameters) {
        if (!of.empty()) return;
        for (auto& p : parameters) of.emplace_back(p.size(), 0.f);
    }
    std::vector<float>& operator[](std::size_t i) { return of[i]; }
};

// The Euclidean norm of all gradients together, and into `each` those of single parameters; in double and in order. Not
// finite when one gradient is not.
inline double gradient_norm(std::span<const parameter> parameters, std::vector<double>& each) {
    double all = 0;
    each.clear();
    for (auto& p : parameters) {
        double square = 0;
        for (float g : p.gradients()) square += double(g) * double(g);
        all += square;
        each.push_back(std::sqrt(square));
    }
    return std::sqrt(all);
}

// Scales all gradients, whose norm is `norm`, so that it is at most `most`. The quotient has 1e-6 added below it, as
// frameworks do.
inline void clip_gradients(std::span<const parameter> parameters, double norm, double most) {
    const double factor = most / (norm + 1e-6);
    if (factor < 1)
        for (auto& p : parameters)
            for (float& g : p.gradients()) g *= float(factor);
}

} // namespace fovea
