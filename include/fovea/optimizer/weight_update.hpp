// What an optimizer would do in a step, for whoever does it where the weights are.
#pragma once
#include <variant>
#include <vector>

#include "fovea/ops/adam_rule.hpp"
#include "fovea/optimizer/adafactor.hpp"
#include "fovea/optimizer/sgd.hpp"

namespace fovea {

using update_rule = std::variant<adafactor_options, adam_options, sgd_options>;

struct weight_update {
    update_rule how;
    std::int64_t step = 1; // the number of the step, the first is 1
    double learning_rate = 1e-3;
    double max_gradient_norm = 0; // 0: not clipped
    double average_share = 0;     // of the new weights in their moving average; 0: there is none
};

struct update_report {
    double loss = 0, gradient_norm = 0; // before clipping
    bool taken = false;                 // else one of them is not finite, and nothing has changed
    std::vector<double> norms;          // by parameter
};

// The vectors of numbers that belong to parameters, by kind: what optimizer::each_state gives.
using state_vectors = std::vector<std::vector<std::vector<float>>*>;

} // namespace fovea
