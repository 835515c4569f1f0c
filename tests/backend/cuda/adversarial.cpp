// Adversarial training as on a GPU, on a device that is the host, beside the CPU's.
#include "fovea/backend/cpu/cpu.hpp"
#include "support/adversarial_steps.hpp"
#include "support/host_training.hpp"

using namespace fovea_test;

TEST_CASE("adversarial steps of the GPU follow the CPU's") { check_adversarial_steps<trained_on_host, cpu>(); }
TEST_CASE("adversarial steps of the GPU: recorded or not, the same bits") {
    check_recorded_duel<trained_on_host, trained_unrecorded>();
}
TEST_CASE("adversarial steps of the GPU: one that is not finite changes nothing") { check_bad_duel<trained_on_host>(); }

TEST_CASE("adversarial steps of the GPU: images stay there") {
    small_duel<trained_on_host> both({});
    const samples s(2, 16, 16, 2, 1);
    for (int step = 0; step < 3; ++step) {
        const std::size_t before = host_device::downloaded;
        both.step(s);
        CHECK(host_device::downloaded - before < 1000); // two reports and four logits
    }
}

TEST_CASE("adversarial steps of the GPU: networks of two devices meet on the host") {
    trainable<small_upscaler, trained_on_host> net{{.seed = 4}};
    trainable<small_critic, trained_on_host> critic{{.seed = 5}};
    trainable<small_critic, cpu> critic_on_cpu{{.seed = 5}};
    const samples s(1, 8, 8, 2, 1);
    const auto check = [&](auto& net_here, auto& critic_elsewhere) {
        small_duel<trained_on_host> expected({});
        trainer fit(net_here, sgd{}, {}), critic_fit(critic_elsewhere, sgd{}, {});
        adversarial_trainer both(fit, critic_fit, l1_loss{});
        for (int step = 0; step < 3; ++step) {
            const auto a = expected.step(s), b = both.step(s.x.view(), s.t.view(), true);
            CHECK(b.critic.loss == Approx(a.critic.loss).epsilon(1e-4));
            CHECK(b.upscaler.gradient_norm == Approx(a.upscaler.gradient_norm).epsilon(1e-3));
        }
    };
    check(net, critic_on_cpu);
    trainable<small_upscaler, trained_on_host> another{{.seed = 4}};
    check(another, critic);
}
