// Steps whose work is recorded and replayed beside the same ones where it is not: the same bits.
#pragma once
#include "support/training_steps.hpp"

namespace fovea_test {

inline bool same_number(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

template <class Network, class Recorded, class Plain> class two_runs {
  public:
    two_runs(const any_optimizer& o, const trainer_options& options)
        : recorded_(net_, o, options), plain_(plain_net_, o, options) {}

    void step(const samples& s, const loss_function& loss) {
        const step_report is = recorded_.step(s.x.view(), s.t.view(), loss),
                          expected = plain_.step(s.x.view(), s.t.view(), loss);
        REQUIRE(is.complete == expected.complete);
        CHECK(is.problem == expected.problem);
        CHECK(same_number(is.loss, expected.loss));
        CHECK(same_number(is.gradient_norm, expected.gradient_norm));
    }
    template <class F> void each(F f) { f(recorded_), f(plain_); }
    void check_same() { CHECK(difference(recorded_, plain_) == 0); }

  private:
    trainable<Network, Recorded> net_{{.seed = 4}};
    trainable<Network, Plain> plain_net_{{.seed = 4}};
    trainer recorded_, plain_;
};

// Schedules, accumulation, clipping, batches of other sizes, another loss.
template <class Recorded, class Plain> void check_recorded_steps() {
    const loss_function varied = weighted_sum{l2_loss{}, 1., total_variation_loss{}, 1e-2};
    for (const any_optimizer& o : {any_optimizer(adam{}), any_optimizer(adafactor{}), any_optimizer(sgd{})}) {
        INFO(o.name());
        two_runs<normalised_network, Recorded, Plain> runs(
            o, {.rate = {.base = 1e-3, .how = learning_rate::decay::cosine, .warmup = 3, .total = 12, .final = 0.1},
                .max_gradient_norm = 0.5,
                .accumulation = 2,
                .ema_decay = 0.9});
        for (int step = 0; step < 8; ++step)
            for (int k = 0; k < 2; ++k) // the second of another size in some steps, at last a larger one
                runs.step({2, 5,
                           step < 3   ? 6
                           : step < 6 ? 6 + k
                                      : 9,
                           2, std::uint64_t(2 * step + k)},
                          step == 4 ? loss_function(l1_loss{}) : varied);
        runs.check_same();
    }
}

// What happens between two steps.
template <class Recorded, class Plain> void check_recorded_run() {
    two_runs<normalised_network, Recorded, Plain> runs(adamw{{.weight_decay = 0.1}},
                                                       {.rate = {.base = 1e-3}, .ema_decay = 0.9});
    const auto some = [&](int first, int count) {
        for (int step = first; step < first + count; ++step) runs.step({2, 5, 6, 2, std::uint64_t(step)}, l1_loss{});
    };
    some(0, 3);
    runs.each([](trainer& fit) { // an evaluation: averages in the weights' place, another size of images
        const samples s(1, 9, 9, 2, 50);
        fit.exchange_average();
        fit.network().forward(s.x.view(), true);
        fit.exchange_average();
    });
    some(3, 3);
    runs.each([](trainer& fit) {
        auto o = fit.options();
        o.max_gradient_norm = 0.1, o.accumulation = 1, o.ema_decay = 0.5;
        fit.set_options(o);
    });
    some(6, 3);
    samples bad(2, 5, 6, 2, 60);
    bad.x.at(1, 2, 3)[1] = std::numeric_limits<float>::infinity();
    runs.step(bad, l1_loss{});
    some(9, 3);
    runs.each([](trainer& fit) { // weights that the host has written
        for (auto& p : fit.network().parameters()) p.value[0] = 0.25f;
        fit.network().weights_changed();
    });
    some(12, 2);
    runs.check_same();
}

} // namespace fovea_test
