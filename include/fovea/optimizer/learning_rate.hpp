// The learning rate as a function of the step: a base rate times a linear warm-up times a decay, which is constant,
// cosine (Loshchilov and Hutter 2017, arXiv 1608.03983) or multi-step.
#pragma once
#include <cmath>
#include <cstdint>
#include <vector>

namespace fovea {

// A schedule of the learning rate; at(step) is the rate of a step.
struct learning_rate {
    // How the rate falls after the warm-up.
    enum class decay { constant, cosine, multi_step };

    double base = 1e-3;
    decay how = decay::constant;
    std::int64_t warmup = 0; // number of steps over which the rate rises linearly from base / warmup to base
    std::int64_t total = 0;  // cosine: the step at which `final` is reached
    double final = 0;        // cosine: the last rate as a share of base
    std::vector<std::int64_t> milestones{}; // multi-step: the rate is multiplied by gamma at each of these steps
    double gamma = 0.5;

    double at(std::int64_t step) const { // the first step is 0
        constexpr double pi = 3.14159265358979323846;
        double rate = base;
        if (step < warmup) rate *= double(step + 1) / double(warmup);
        if (how == decay::cosine && total > 0) {
            const double done = std::min(1., double(step) / double(total));
            rate *= final + (1 - final) * (1 + std::cos(pi * done)) / 2;
        }
        if (how == decay::multi_step)
            for (std::int64_t m : milestones)
                if (step >= m) rate *= gamma;
        return rate;
    }
};

} // namespace fovea
