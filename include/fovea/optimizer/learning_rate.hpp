// Learning rates over the steps of a run: a base rate times a linear warm-up times one of constant, cosine (Loshchilov
// and Hutter 2017, arXiv 1608.03983) and multi-step decay.
#pragma once
#include <cmath>
#include <cstdint>
#include <vector>

namespace fovea {

struct learning_rate {
    enum class decay { constant, cosine, multi_step };

    double base = 1e-3;
    decay how = decay::constant;
    std::int64_t warmup = 0; // steps over which the rate rises from base / warmup
    std::int64_t total = 0;  // of cosine: the step at which `final` is reached
    double final = 0;        // of cosine, as a share of base
    std::vector<std::int64_t>
        milestones{}; // of multi_step: from each of these steps on the rate is multiplied by gamma
    double gamma = 0.5;

    double at(std::int64_t step) const { // step 0 is the first
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
