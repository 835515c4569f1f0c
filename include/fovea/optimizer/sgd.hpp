// Stochastic gradient descent with momentum. Polyak 1964; Sutskever et al. 2013.
//
//   g += weight_decay w, v = momentum v + g
//   w -= learning rate v                        Nesterov: w -= learning rate (g + momentum v)
#pragma once
#include "fovea/optimizer/optimizer.hpp"

namespace fovea {

// The constants of SGD, named as in the rule of sgd.hpp.
struct sgd_options {
    double momentum = 0.9, weight_decay = 0;
    bool nesterov = false;
    bool operator==(const sgd_options&) const = default;
};

// The optimizer SGD; its state is one number for each weight.
class sgd {
  public:
    explicit sgd(const sgd_options& o = {}) : o_(o) {}
    // The constants that it was made with.
    const sgd_options& options() const { return o_; }
    static constexpr const char* name = "sgd";
    std::int64_t steps = 0;

    void prepare(std::span<const parameter> p) { velocity_.prepare(p); }
    void step(std::span<const parameter> parameters, double learning_rate, context* threads = nullptr) {
        prepare(parameters);
        ++steps;
        each_piece(parameters, threads, [&](const parameter_piece& piece) {
            const parameter& p = parameters[piece.parameter];
            for (std::size_t i = piece.begin; i < piece.end; ++i) {
                const float g = p.gradient[i] + float(o_.weight_decay) * p.value[i];
                float& v = velocity_[piece.parameter][i];
                v = float(o_.momentum) * v + g;
                p.value[i] -= float(learning_rate) * (o_.nesterov ? g + float(o_.momentum) * v : v);
            }
        });
    }
    template <class F> void each_state(F f) { f("velocity", velocity_.of); }

  private:
    sgd_options o_;
    optimizer_state velocity_;
};

static_assert(optimizer<sgd>);

} // namespace fovea
