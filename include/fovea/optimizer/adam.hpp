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
    const adam_options& options() const { return o_; }
    static constexpr const char* name = "adam";
    std::int64_t steps = 0;

    void prepare(std::span<const parameter> p) { mean_.prepare(p), square_.prepare(p); }
    void step(std::span<const parameter> parameters, double learning_rate, context* threads = nullptr) {
        prepare(parameters);
        ++steps;
        const double mean_correction = 1 - std::pow(o_.beta1, double(steps));
        const double square_correction = std::sqrt(1 - std::pow(o_.beta2, double(steps)));
        const factors f{.size = float(learning_rate / mean_correction),
                        .root = float(square_correction),
                        .kept = o_.decoupled ? float(1 - learning_rate * o_.weight_decay) : 1.f,
                        .decay = o_.decoupled ? 0.f : float(o_.weight_decay)};
        each_piece(parameters, threads, [&](const parameter_piece& piece) {
            for (std::size_t i = piece.begin; i < piece.end; i += at_once)
                step(parameters[piece.parameter], piece.parameter, i, std::min(at_once, piece.end - i), f);
        });
    }
    template <class F> void each_state(F f) { f("mean", mean_.of), f("square", square_.of); }

  private:
    static constexpr std::size_t at_once = 256;
    struct factors {
        float size, root, kept, decay;
    };
    // Some numbers from `first` on. Roots have a loop of their own, as std::sqrt may set errno, which no compiler turns
    // into vectors.
    void step(const parameter& p, std::size_t k, std::size_t first, std::size_t count, const factors& f) {
        const float b1 = float(o_.beta1), b2 = float(o_.beta2), rest1 = float(1 - o_.beta1),
                    rest2 = float(1 - o_.beta2), epsilon = float(o_.epsilon);
        float *const m = mean_[k].data() + first, *const v = square_[k].data() + first, *const w = p.value + first;
        const float* const gradient = p.gradient + first;
        float roots[at_once];
        for (std::size_t i = 0; i < count; ++i) {
            w[i] *= f.kept;
            const float g = gradient[i] + f.decay * w[i];
            m[i] = b1 * m[i] + rest1 * g;
            v[i] = b2 * v[i] + rest2 * g * g;
        }
        for (std::size_t i = 0; i < count; ++i) roots[i] = std::sqrt(v[i]);
        for (std::size_t i = 0; i < count; ++i) w[i] -= f.size * m[i] / (roots[i] / f.root + epsilon);
    }

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
