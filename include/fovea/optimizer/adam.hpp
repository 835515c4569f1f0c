// Adam (Kingma and Ba 2015, arXiv 1412.6980) and AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101):
//   m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, w -= learning rate (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) +
//   epsilon)
// with weight decay added to g (Adam) or taken from w before, times the learning rate (AdamW).
#pragma once
#include "fovea/optimizer/optimizer.hpp"

namespace fovea {

struct adam_options {
    double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0;
    bool decoupled = false; // weight decay as AdamW has it
};

class adam {
  public:
    explicit adam(const adam_options& o = {}) : o_(o) {}
    static constexpr const char* name = "adam";
    std::int64_t steps = 0;

    void prepare(std::span<const parameter> p) { mean_.prepare(p), square_.prepare(p); }
    void step(std::span<const parameter> parameters, double learning_rate) {
        prepare(parameters);
        ++steps;
        const double mean_correction = 1 - std::pow(o_.beta1, double(steps));
        const double square_correction = std::sqrt(1 - std::pow(o_.beta2, double(steps)));
        const float size = float(learning_rate / mean_correction), root = float(square_correction);
        const float kept = o_.decoupled ? float(1 - learning_rate * o_.weight_decay) : 1.f;
        const float decay = o_.decoupled ? 0.f : float(o_.weight_decay);
        const float b1 = float(o_.beta1), b2 = float(o_.beta2), rest1 = float(1 - o_.beta1),
                    rest2 = float(1 - o_.beta2);
        for (std::size_t k = 0; k < parameters.size(); ++k) {
            const parameter& p = parameters[k];
            float *m = mean_[k].data(), *v = square_[k].data();
            for (std::size_t i = 0; i < p.size(); ++i) {
                const float w = kept * p.value[i], g = p.gradient[i] + decay * w;
                m[i] = b1 * m[i] + rest1 * g;
                v[i] = b2 * v[i] + rest2 * g * g;
                p.value[i] = w - size * m[i] / (std::sqrt(v[i]) / root + float(o_.epsilon));
            }
        }
    }
    template <class F> void each_state(F f) { f("mean", mean_.of), f("square", square_.of); }

  private:
    adam_options o_;
    optimizer_state mean_, square_;
};

struct adamw : adam {
    static constexpr const char* name = "adamw";
    adamw() : adamw({.weight_decay = 0.01}) {}
    explicit adamw(adam_options o) : adam((o.decoupled = true, o)) {}
};

static_assert(optimizer<adam> && optimizer<adamw>);

} // namespace fovea
