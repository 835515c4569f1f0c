// A step of an optimizer as data, for an engine that updates the weights itself, where they are stored (such as on a
// GPU).
#pragma once
#include <variant>
#include <vector>

#include "fovea/ops/adam_rule.hpp"
#include "fovea/optimizer/adafactor.hpp"
#include "fovea/optimizer/sgd.hpp"

namespace fovea {

// The rule of an optimizer and its constants.
using update_rule = std::variant<adafactor_options, adam_options, sgd_options>;

// One step of an optimizer on all weights.
struct weight_update {
    update_rule how;
    std::int64_t step = 1; // number of the step, from 1 on
    double learning_rate = 1e-3;
    double max_gradient_norm = 0; // gradients are scaled down to this norm; 0: no clipping
    double average_share = 0;     // share of the new weights in their moving average; 0: there is no average
};

// The result of a step.
struct update_report {
    double loss = 0, gradient_norm = 0; // norm of all gradients before clipping
    bool taken = false;                 // false: loss or norm is not finite, and nothing has changed
    std::vector<double> norms;          // gradient norm of each parameter
};

// The state of an optimizer: for each kind that each_state() gives, a vector of numbers for each parameter.
using state_vectors = std::vector<std::vector<std::vector<float>>*>;

} // namespace fovea
