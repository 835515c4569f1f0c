// The exponential moving average of the weights: a = decay a + (1 - decay) w after each step. Polyak and Juditsky 1992.
// During about the first 9 / (1 - decay) steps the smaller decay (1 + steps) / (10 + steps) is used instead, so that
// the initial weights are forgotten quickly.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "fovea/optimizer/optimizer.hpp"

namespace fovea {

// Averages of all weights of a network, as many numbers as it has weights.
class moving_average {
  public:
    explicit moving_average(double decay = 0.999) : decay_(decay) {}

    // The share of the new weights in the average, 1 - decay, at the next update.
    double share() const { return 1 - std::min(decay_, double(1 + steps_) / double(10 + steps_)); }

    // Moves the average towards the current weights; to be called after each step.
    void update(std::span<const parameter> parameters, context* threads = nullptr) {
        const auto part = float(share());
        prepare(parameters);
        ++steps_;
        each_piece(parameters, threads, [&](const parameter_piece& piece) {
            float* const average = of_[piece.parameter].data();
            const float* const value = parameters[piece.parameter].value;
            for (std::size_t i = piece.begin; i < piece.end; ++i) average[i] += part * (value[i] - average[i]);
        });
    }
    // Starts the average with the current weights, unless it has been started already.
    void prepare(std::span<const parameter> parameters) {
        if (of_.empty())
            for (auto& p : parameters) of_.emplace_back(p.value, p.value + p.size());
    }
    // Swaps the weights of the network with their averages. Calling it twice restores both.
    void exchange(std::span<const parameter> parameters) {
        for (std::size_t k = 0; k < of_.size(); ++k)
            std::swap_ranges(of_[k].begin(), of_[k].end(), parameters[k].value);
    }
    // Number of updates, and the averages, for checkpoints.
    std::int64_t& steps() { return steps_; }
    std::vector<std::vector<float>>& numbers() { return of_; }

  private:
    double decay_;
    std::int64_t steps_ = 0;
    std::vector<std::vector<float>> of_;
};

} // namespace fovea
