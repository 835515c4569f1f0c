// Losses and optimizers of a program's own in the trainer, and losses that are only evaluated.
#include "fovea/backend/cpu/cpu.hpp"
#include "support/host_training.hpp"
#include "support/parallel_steps.hpp"

using namespace fovea;
using namespace fovea_test;

namespace {

// w -= rate sign(g), with the count of sign changes as its state.
struct sign_descent {
    static constexpr const char* name = "sign_descent";
    std::int64_t steps = 0;
    optimizer_state last;

    void prepare(std::span<const parameter> p) { last.prepare(p); }
    void step(std::span<const parameter> p, double learning_rate, context*) {
        prepare(p);
        ++steps;
        for (std::size_t k = 0; k < p.size(); ++k)
            for (std::size_t i = 0; i < p[k].size(); ++i) {
                const float g = p[k].gradient[i];
                last[k][i] = float((g > 0) - (g < 0));
                p[k].value[i] -= float(learning_rate) * last[k][i];
            }
    }
    template <class F> void each_state(F f) { f("sign", last.of); }
};
static_assert(optimizer<sign_descent>);

} // namespace

TEST_CASE("an optimizer of one's own trains, and its state is kept in a checkpoint") {
    trainable<plain_network, cpu> net{{.seed = 2}}, again{{.seed = 3}};
    const auto before = net.parameters()[0].value[0];
    trainer fit(net, sign_descent{}, {.rate = {.base = 1e-3}});
    const samples s(1, 8, 8, 2, 1);
    REQUIRE(fit.step(s.x.view(), s.t.view(), l1_loss{}).problem.empty());
    CHECK(std::abs(net.parameters()[0].value[0] - before) == Approx(1e-3).epsilon(1e-3));
    tensor_file file;
    fit.save(file);
    CHECK(file.find("optimizer/sign/" + net.parameters()[0].name));
    trainer other(again, sign_descent{}, {.rate = {.base = 1e-3}});
    other.load(file);
    fit.step(s.x.view(), s.t.view(), l1_loss{}), other.step(s.x.view(), s.t.view(), l1_loss{});
    CHECK(other.steps() == 2);
    CHECK(std::ranges::equal(net.parameters()[0].values(), again.parameters()[0].values()));
    trainer wrong(again, adam{}, {});
    CHECK_THROWS_WITH(wrong.load(file), Catch::Contains("sign_descent") && Catch::Contains("expected adam"));
}

TEST_CASE("an optimizer of one's own on a device without kernels for it works on the host's copies") {
    trainable<plain_network, cpu> expected{{.seed = 2}};
    trainable<plain_network, trained_on_host> is{{.seed = 2}};
    const trainer_options o{.rate = {.base = 1e-2}, .max_gradient_norm = 1e-3, .accumulation = 2, .ema_decay = 0.5};
    trainer fit_expected(expected, sign_descent{}, o), fit(is, sign_descent{}, o);
    for (int step = 0; step < 4; ++step) {
        const samples s(1, 8, 8, 2, std::uint64_t(step));
        const auto a = fit_expected.step(s.x.view(), s.t.view(), l2_loss{}),
                   b = fit.step(s.x.view(), s.t.view(), l2_loss{});
        CHECK(b.problem.empty());
        CHECK(b.loss == Approx(a.loss).epsilon(1e-4));
        CHECK(b.gradient_norm == Approx(a.gradient_norm).epsilon(1e-3));
    }
    CHECK(fit.steps() == 2);
    // Both began with the same weights, and each step moves every weight by 1e-2. A sign may differ where a gradient is
    // next to zero; elsewhere the weights agree to rounding, before and after averages take their place.
    trainable<plain_network, cpu> begun{{.seed = 2}};
    const auto check = [&](float least) {
        std::size_t different = 0, unmoved = 0, all = 0;
        for (std::size_t k = 0; k < is.parameters().size(); ++k)
            for (std::size_t i = 0; i < is.parameters()[k].size(); ++i, ++all) {
                const float value = is.parameters()[k].value[i];
                different += std::abs(value - expected.parameters()[k].value[i]) > 1e-5f;
                unmoved += std::abs(value - begun.parameters()[k].value[i]) < least;
            }
        CHECK(different <= all / 50);
        CHECK(unmoved <= all / 2); // two steps of opposite signs leave a weight where it was
    };
    check(1e-3f);
    fit.exchange_average(), fit_expected.exchange_average();
    check(1e-3f);
}

TEST_CASE("a loss can be evaluated without a gradient") {
    const samples s(2, 4, 4, 2, 1), other(2, 4, 4, 2, 2);
    const auto check = [&](const auto& loss) {
        tensor<float> dy(2, 8, 8, 3);
        const double with = loss(other.t.view(), s.t.view(), dy.view(), 1);
        CHECK(loss(other.t.view(), s.t.view()) == with);
        CHECK(loss_function(loss)(other.t.view(), s.t.view()) == with);
        CHECK(with > 0);
    };
    check(l1_loss{}), check(l2_loss{}), check(charbonnier_loss{}), check(total_variation_loss{});
    check(weighted_sum{l1_loss{}, 1., total_variation_loss{}, 0.5});
    tensor<float> logits(3, 1, 1, 1), dx(3, 1, 1, 1);
    logits.data()[1] = 2;
    const auto x = std::as_const(logits).view();
    CHECK(binary_cross_entropy_with_logits{}(x, 1.) == binary_cross_entropy_with_logits{}(x, 1., dx.view()));
}
