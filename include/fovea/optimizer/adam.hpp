// Adam (Kingma and Ba 2015, arXiv 1412.6980) and AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101):
//
//   m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2
//   w -= learning rate (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)
//
// Weight decay comes before the step:
//
//   Adam:   g += weight_decay w
//   AdamW:  w *= 1 - learning rate * weight_decay
#pragma once
#include "fovea/backend/cpu/select.hpp"
#include "fovea/ops/adam_rule.hpp"
#include "fovea/optimizer/optimizer.hpp"

namespace fovea {

// The optimizer Adam; its state is two numbers for each weight.
class adam {
  public:
    explicit adam(const adam_options& o = {}) : o_(o) {}
    // The constants that it was made with.
    const adam_options& options() const { return o_; }
    static constexpr const char* name = "adam";
    std::int64_t steps = 0;

    void prepare(std::span<const parameter> p) { mean_.prepare(p), square_.prepare(p); }
    void step(std::span<const parameter> parameters, double learning_rate, context* threads = nullptr) {
        prepare(parameters);
        ++steps;
        const adam_factors f = factors_of(o_, learning_rate, steps);
        each_piece(parameters, threads, [&](const parameter_piece& piece) {
            const auto [k, first, end] = piece;
            const parameter& p = parameters[k];
            FOVEA_CPU_KERNEL(update_by_adam)
            ({.w = p.value + first,
              .m = mean_[k].data() + first,
              .v = square_[k].data() + first,
              .g = p.gradient + first,
              .count = end - first},
             f);
        });
    }
    template <class F> void each_state(F f) { f("mean", mean_.of), f("square", square_.of); }

  private:
    adam_options o_;
    optimizer_state mean_, square_;
};

// Adam with decoupled weight decay, 0.01 unless the options say otherwise.
struct adamw : adam {
    static constexpr const char* name = "adamw";
    adamw() : adamw({.weight_decay = 0.01}) {}
    explicit adamw(adam_options o) : adam((o.decoupled = true, o)) {}
};

static_assert(optimizer<adam> && optimizer<adamw>);

} // namespace fovea
