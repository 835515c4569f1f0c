// Steps of an upscaler against a critic on a backend that has an engine for training, beside those of another one.
#pragma once
#include "support/recorded_steps.hpp"

namespace fovea_test {

using small_upscaler = zoo::supercool<2, 8, 1, 1>;
using small_critic = sequential<conv<3, 8, 3, identity, conv_options{.stride = 2, .bias = false}>, batch_norm<8>,
                                leaky_relu<1, 5>, weight_norm<conv<8, 6, 3, silu>>, global_average_pool, linear<6, 1>>;

template <class Backend> struct small_duel {
    trainable<small_upscaler, Backend> net{{.seed = 4}};
    trainable<small_critic, Backend> critic{{.seed = 5, .beside = &net.engine()}};
    trainer fit, critic_fit;
    adversarial_trainer both;

    explicit small_duel(const trainer_options& o, const loss_function& loss = l1_loss{})
        : fit(net, sgd{}, o), critic_fit(critic, sgd{}, o), both(fit, critic_fit, loss) {}
    adversarial_report step(const samples& s, bool upscaler_learns = true) {
        return both.step(s.x.view(), s.t.view(), upscaler_learns);
    }
};

// near(a, b) of losses, then of what differs between the states of upscalers and of critics.
template <class Is, class Expected, class Near>
void check_duels(const trainer_options& o, const loss_function& loss, double tolerance, Near near) {
    small_duel<Is> is(o, loss);
    small_duel<Expected> expected(o, loss);
    for (int step = 0; step < some_steps / 2; ++step)
        for (int k = 0; k < o.accumulation; ++k) { // batches of two sizes; at first the critic alone learns
            const samples s(1 + (step + k) % 2, 8, 6 + k, 2, std::uint64_t(10 * step + k));
            INFO("step " << step << ", micro-batch " << k);
            const adversarial_report a = expected.step(s, step > 0), b = is.step(s, step > 0);
            CHECK((a.critic.complete == b.critic.complete && a.upscaler.complete == b.upscaler.complete));
            CHECK((a.critic.problem + a.upscaler.problem + b.critic.problem + b.upscaler.problem).empty());
            CHECK((a.seen == b.seen && a.right == b.right));
            if (a.critic.complete) CHECK(near(b.critic.loss, a.critic.loss));
            if (a.upscaler.complete) CHECK(near(b.upscaler.loss, a.upscaler.loss));
            if (a.upscaler.complete) CHECK(near(b.upscaler.gradient_norm, a.upscaler.gradient_norm));
        }
    CHECK(is.critic_fit.steps() == some_steps / 2);
    CHECK(is.fit.steps() == some_steps / 2 - 1);
    CHECK(difference(is.fit, expected.fit) <= tolerance);
    CHECK(difference(is.critic_fit, expected.critic_fit) <= tolerance);
    const samples s(2, 8, 8, 1, 3);
    CHECK(relative_distance(copy_of(is.both.look_at(s.x.view())), copy_of(expected.both.look_at(s.x.view())), 1e-3) <=
          tolerance);
}

template <class Backend, class OnHost> void check_adversarial_steps() {
    const auto near = [](double a, double b) { return a == Approx(b).epsilon(1e-3); }; // float32 sums in another order
    const trainer_options o{.rate = {.base = 1e-3}, .max_gradient_norm = 5, .accumulation = 2, .ema_decay = 0.9};
    check_duels<Backend, OnHost>(o, weighted_sum{l2_loss{}, 1., total_variation_loss{}, 1e-2}, 1e-3, near);
    const auto own = [](tensor_view<const float> y, tensor_view<const float> t, tensor_view<float> dy, double weight) {
        return l1_loss{}(y, t, dy, weight);
    };
    check_duels<Backend, OnHost>({.rate = {.base = 1e-3}}, own, 1e-3, near);
}
template <class Recorded, class Plain> void check_recorded_duel() {
    check_duels<Recorded, Plain>({.rate = {.base = 1e-3}, .accumulation = 2}, charbonnier_loss{}, 0,
                                 [](double a, double b) { return a == b; });
}

template <class Backend> void check_bad_duel() {
    small_duel<Backend> both({});
    samples bad(1, 8, 8, 2, 1);
    REQUIRE(both.step(bad).critic.problem.empty());
    tensor_file before, after;
    both.fit.save(before), both.critic_fit.save(before, "critic/");
    bad.x.at(0, 2, 3)[1] = std::numeric_limits<float>::infinity();
    const adversarial_report r = both.step(bad);
    CHECK_THAT(r.critic.problem, Catch::Contains("the loss is not finite") && Catch::Contains("skipped"));
    CHECK_THAT(r.upscaler.problem, Catch::Contains("the loss is not finite") && Catch::Contains("skipped"));
    both.fit.save(after), both.critic_fit.save(after, "critic/");
    for (std::size_t i = 0; i < before.tensors().size(); ++i) {
        INFO(before.tensors()[i].name);
        CHECK(to_floats(before.tensors()[i]) == to_floats(after.tensors()[i]));
    }
}

} // namespace fovea_test
