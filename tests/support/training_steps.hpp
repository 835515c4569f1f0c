// Training on a backend that has an engine for it beside another one on the host: steps, states, and what is not
// finite.
#pragma once
#include "support/training.hpp"

namespace fovea_test {

using normalised_network = sequential<named<"first", weight_norm<conv<3, 6, 3, silu>>>, named<"norm", batch_norm<6>>,
                                      named<"second", conv<6, 12, 3>>, pixel_shuffle<2>>;

struct samples {
    tensor<float> x, t;
    samples(int batch, int height, int width, int scale, std::uint64_t seed)
        : x(random_tensor(batch, height, width, 3, seed)),
          t(random_tensor(batch, height * scale, width * scale, 3, seed + 1)) {}
};

// The states of two runs, number by number.
inline double difference(trainer& a, trainer& b) {
    tensor_file of_a, of_b;
    a.save(of_a), b.save(of_b);
    CHECK(of_a.metadata == of_b.metadata);
    REQUIRE(of_a.tensors().size() == of_b.tensors().size());
    double worst = 0;
    for (std::size_t i = 0; i < of_a.tensors().size(); ++i) {
        REQUIRE(of_a.tensors()[i].name == of_b.tensors()[i].name);
        const double d = relative_distance(to_floats(of_a.tensors()[i]), to_floats(of_b.tensors()[i]), 1e-3);
        worst = d <= worst ? worst : d == d ? d : 1e30;
    }
    return worst;
}

// Under sanitizers, where a step takes fifty times as long, a few do: what they do to memory is the same.
#if FOVEA_SANITIZED
inline constexpr int some_steps = 4, many_steps = 8;
#else
inline constexpr int some_steps = 20, many_steps = 200;
#endif

// Some steps, the batches of which differ in size.
template <class Backend, class OnHost, class Network>
void check_steps(int scale, any_optimizer o, const trainer_options& options, loss_function loss) {
    INFO(o.name() << ", accumulation " << options.accumulation);
    // With seed 3 an input of VapSR's LeakyReLU comes so near to zero that rounding chooses its side.
    trainable<Network, OnHost> on_host({.seed = 4});
    trainable<Network, Backend> on_device({.seed = 4});
    trainer expected(on_host, o, options), is(on_device, o, options);
    for (int step = 0; step < some_steps; ++step)
        for (int k = 0; k < options.accumulation; ++k) {
            const samples s(1 + (step + k) % 2, 7 + step % 3, 9, scale, std::uint64_t(100 * step + k));
            const step_report a = expected.step(s.x.view(), s.t.view(), loss),
                              b = is.step(s.x.view(), s.t.view(), loss);
            REQUIRE(a.complete == b.complete);
            if (!a.complete) continue;
            REQUIRE(a.problem.empty());
            REQUIRE(b.problem.empty());
            INFO("step " << step);
            CHECK(b.loss == Approx(a.loss).epsilon(1e-5)); // float32 sums in another order, through twenty steps
            CHECK(b.gradient_norm == Approx(a.gradient_norm).epsilon(1e-3));
            CHECK(b.learning_rate == a.learning_rate);
        }
    CHECK(expected.steps() == some_steps);
    CHECK(is.gradient_norms().size() == on_host.parameters().size());
}

template <class Backend, class OnHost> void check_training_steps() {
    using small_supercool = zoo::supercool<2, 16, 1, 2>;
    using small_vapsr = zoo::vapsr_network<2, 16, 24, 2>;
    const loss_function varied = weighted_sum{l2_loss{}, 1., total_variation_loss{}, 1e-2};
    check_steps<Backend, OnHost, small_supercool>(2, adam{}, {.rate = {.base = 1e-3}}, l1_loss{});
    check_steps<Backend, OnHost, small_supercool>(2, adafactor{},
                                                  {.rate = {.base = 1e-3, .warmup = 5}, .ema_decay = 0.99}, varied);
    // The quotient of two moments that are rounding errors is as large as any: epsilon keeps them apart.
    check_steps<Backend, OnHost, small_vapsr>(2, adamw{{.epsilon = 1e-4, .weight_decay = 0.01}},
                                              {.rate = {.base = 1e-3}, .max_gradient_norm = 0.5, .accumulation = 2},
                                              charbonnier_loss{0.1});
    check_steps<Backend, OnHost, normalised_network>(
        2, sgd{}, {.rate = {.base = 1e-3}, .max_gradient_norm = 1, .ema_decay = 0.9}, l2_loss{});
}

template <class Backend, class OnHost> void check_own_loss() {
    const auto own = [](tensor_view<const float> y, tensor_view<const float> t, tensor_view<float> dy, double weight) {
        return l2_loss{}(y, t, dy, weight);
    };
    REQUIRE(loss_function(own).terms().empty());
    check_steps<Backend, OnHost, normalised_network>(2, sgd{}, {.rate = {.base = 1e-3}, .accumulation = 2}, own);
}

// Weights drift apart in so many steps, as rounding errors grow; seen from where it begins, the curve does not.
template <class Backend, class OnHost> void check_long_run() {
    using network = zoo::supercool<2, 8, 1, 1>;
    trainable<network, OnHost> on_host({.seed = 5});
    trainable<network, Backend> on_device({.seed = 5});
    trainer expected(on_host, adam{{.epsilon = 1e-4}}, {.rate = {.base = 2e-3}}),
        is(on_device, adam{{.epsilon = 1e-4}}, {.rate = {.base = 2e-3}});
    const samples s(2, 8, 7, 2, 9);
    double first = 0, last = 0;
    for (int step = 0; step < many_steps; ++step) {
        last = expected.step(s.x.view(), s.t.view(), l2_loss{}).loss;
        if (step == 0) first = last;
        REQUIRE(is.step(s.x.view(), s.t.view(), l2_loss{}).loss == Approx(last).epsilon(0).margin(1e-2 * first));
    }
    CHECK(last < (many_steps < 200 ? 1 : 0.9) * first);
}

template <class Backend, class OnHost> void check_resume() {
    const trainer_options options{.rate = {.base = 1e-3}, .max_gradient_norm = 2, .ema_decay = 0.9};
    const auto train = [&](trainer& fit, int first, int last) {
        for (int step = first; step < last; ++step) {
            const samples s(2, 5, 6, 2, std::uint64_t(step));
            REQUIRE(fit.step(s.x.view(), s.t.view(), l1_loss{}).problem.empty());
        }
    };
    trainable<normalised_network, Backend> whole, first, second;
    trainable<normalised_network, OnHost> on_host;
    trainer fit_whole(whole, adam{}, options), fit_first(first, adam{}, options), fit_second(second, adam{}, options),
        fit_host(on_host, adam{}, options);
    train(fit_whole, 0, 3), train(fit_first, 0, 3);
    tensor_file kept;
    kept.source = "kept";
    fit_first.save(kept);
    fit_whole.exchange_average(), fit_whole.exchange_average(); // for an evaluation
    fit_second.load(kept), fit_host.load(kept);
    train(fit_whole, 3, 6), train(fit_second, 3, 6), train(fit_host, 3, 6);
    CHECK(difference(fit_whole, fit_second) == 0); // to the bit
    CHECK(difference(fit_whole, fit_host) < 1e-4);
}

// Batches that are uploaded beside the step before, of two sizes; one of them is lost to another forward pass.
template <class Backend> void check_staged_batches() {
    const trainer_options o{.rate = {.base = 1e-3}, .accumulation = 2};
    trainable<normalised_network, Backend> net, other;
    trainer is(net, adam{}, o), expected(other, adam{}, o);
    samples next(2, 5, 6, 2, 0);
    int staged = 0;
    for (int batch = 0; batch < 10; ++batch) {
        const samples s = std::exchange(next, samples(2, 5, 6 + batch / 7, 2, std::uint64_t(batch + 1)));
        const step_report a = expected.step(s.x.view(), s.t.view(), l1_loss{});
        if (batch == 4) net.forward(random_tensor(1, 9, 9, 3).view(), true);
        const step_report b =
            is.step(s.x.view(), s.t.view(), l1_loss{}, [&] { is.stage(next.x.view(), next.t.view()), ++staged; });
        CHECK((a.complete == b.complete && a.loss == b.loss && a.gradient_norm == b.gradient_norm));
    }
    CHECK(staged == 5);
    CHECK(difference(is, expected) == 0);
}

template <class Backend> void check_bad_steps() {
    trainable<normalised_network, Backend> net;
    trainer fit(net, adam{}, {.ema_decay = 0.9, .most_bad_steps = 3});
    samples good(2, 5, 6, 2, 1), bad(2, 5, 6, 2, 1);
    bad.x.at(1, 2, 3)[1] = std::numeric_limits<float>::infinity();
    REQUIRE(fit.step(good.x.view(), good.t.view(), l2_loss{}).problem.empty());
    tensor_file before, after;
    fit.save(before);
    const step_report r = fit.step(bad.x.view(), bad.t.view(), l2_loss{});
    CHECK_THAT(r.problem, Catch::Contains("loss is not finite, first in layer first") && Catch::Contains("skipped"));
    fit.save(after);
    for (std::size_t i = 0; i < before.tensors().size(); ++i) {
        INFO(before.tensors()[i].name);
        CHECK(to_floats(before.tensors()[i]) == to_floats(after.tensors()[i]));
    }
    CHECK(fit.steps() == 1);
    CHECK(fit.bad_steps() == 1);
    CHECK_THAT(fit.step(bad.x.view(), bad.t.view(), l2_loss{}).problem, Catch::Contains("skipped"));
    fit.step(bad.x.view(), bad.t.view(), l2_loss{});
    CHECK(fit.steps() == 0); // back to the state that was kept
    CHECK(fit.step(good.x.view(), good.t.view(), l2_loss{}).problem.empty());
}

} // namespace fovea_test
