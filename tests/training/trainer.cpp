// What a step is: accumulation, clipping, averages, guards, and a state that a run goes on from bit for bit.
#include "fovea/fovea.hpp"
#include "support/catch.hpp"
#include "support/random_weights.hpp"

using namespace fovea;

namespace {

using normalised = sequential<named<"first", weight_norm<conv<3, 6, 3, silu>>>, named<"norm", batch_norm<6>>,
                              named<"second", conv<6, 12, 3>>, pixel_shuffle<2>>;

struct samples {
    tensor<float> x, t;
    explicit samples(int batch, std::uint64_t seed = 3)
        : x(fovea_test::random_tensor(batch, 5, 6, 3, seed)),
          t(fovea_test::random_tensor(batch, 10, 12, 3, seed + 1)) {}
};

std::vector<float> weights_of(basic_trainable<float>& net) {
    std::vector<float> all;
    for (auto* some : {&net.parameters(), &net.buffers()})
        for (auto& p : *some) all.insert(all.end(), p.value, p.value + p.size());
    return all;
}

} // namespace

TEST_CASE("accumulated micro-batches are one large batch") {
    using plain = conv<3, 3, 3>; // batch normalisation would see other batches
    const auto x = fovea_test::random_tensor(4, 5, 6, 3, 8), t = fovea_test::random_tensor(4, 5, 6, 3, 9);
    trainable<plain, reference> whole, parts;
    trainer fit_whole(whole, adam{}, {}), fit_parts(parts, adam{}, {.accumulation = 4});
    const step_report one = fit_whole.step(x.view(), t.view(), l2_loss{});
    step_report r;
    for (int n = 0; n < 4; ++n) {
        CHECK_FALSE(r.complete);
        r = fit_parts.step({x.at(n, 0, 0), 1, 5, 6, 3}, {t.at(n, 0, 0), 1, 5, 6, 3}, l2_loss{});
    }
    CHECK(r.complete);
    CHECK(r.loss == Approx(one.loss).epsilon(1e-6));
    CHECK(r.gradient_norm == Approx(one.gradient_norm).epsilon(1e-5));
    for (std::size_t i = 0; i < whole.parameters()[0].size(); ++i)
        CHECK(whole.parameters()[0].value[i] == Approx(parts.parameters()[0].value[i]).margin(1e-5));
}

TEST_CASE("a step of fewer micro-batches is divided by as many as there were") {
    using plain = conv<3, 3, 3>;
    const auto x = fovea_test::random_tensor(2, 5, 6, 3, 8), t = fovea_test::random_tensor(2, 5, 6, 3, 9);
    trainable<plain, reference> whole, parts;
    trainer fit_whole(whole, sgd{}, {}), fit_parts(parts, sgd{}, {.accumulation = 4});
    const step_report one = fit_whole.step(x.view(), t.view(), l2_loss{});
    fit_parts.expect(2);
    step_report r;
    for (int n = 0; n < 2; ++n) {
        CHECK(fit_parts.micro_batches() == 2);
        r = fit_parts.step({x.at(n, 0, 0), 1, 5, 6, 3}, {t.at(n, 0, 0), 1, 5, 6, 3}, l2_loss{});
    }
    REQUIRE(r.complete);
    CHECK(r.loss == Approx(one.loss).epsilon(1e-6));
    CHECK(r.gradient_norm == Approx(one.gradient_norm).epsilon(1e-5));
    for (std::size_t i = 0; i < whole.parameters()[0].size(); ++i) // a step of 1e-3 times the gradient: 2^-24 and less
        CHECK(whole.parameters()[0].value[i] == Approx(parts.parameters()[0].value[i]).margin(1e-6));

    CHECK(fit_parts.micro_batches() == 4); // of the step that follows
    fit_parts.step({x.at(0, 0, 0), 1, 5, 6, 3}, {t.at(0, 0, 0), 1, 5, 6, 3}, l2_loss{});
    CHECK_THROWS_WITH(fit_parts.expect(2), Catch::Contains("before the first"));
}

TEST_CASE("gradients are clipped to a norm") {
    trainable<normalised, reference> net;
    samples s(2);
    trainer fit(net, sgd({.momentum = 0}), {.rate = {.base = 1}, .max_gradient_norm = 0.01});
    const auto before = weights_of(net);
    const double norm = fit.step(s.x.view(), s.t.view(), l2_loss{}).gradient_norm;
    CHECK(norm > 0.01);
    REQUIRE(fit.gradient_norms().size() == net.parameters().size());
    double square = 0;
    for (double each : fit.gradient_norms()) square += each * each;
    CHECK(std::sqrt(square) == Approx(norm).epsilon(1e-12)); // as many roundings as there are parameters
    square = 0;
    for (std::size_t i = 0, n = 0; i < net.parameters().size(); ++i)
        for (float v : net.parameters()[i].values()) square += std::pow(double(v) - double(before[n++]), 2);
    CHECK(std::sqrt(square) == Approx(0.01).epsilon(1e-3));
}

TEST_CASE("training lowers the loss, and its average follows") {
    trainable<normalised, cpu> net({.seed = 2});
    samples s(3);
    trainer fit(net, adafactor{}, {.rate = {.base = 1e-2}, .max_gradient_norm = 1, .ema_decay = 0.9});
    const double first = fit.step(s.x.view(), s.t.view(), l2_loss{}).loss;
    double last = 0;
    for (int i = 0; i < 200; ++i) last = fit.step(s.x.view(), s.t.view(), l2_loss{}).loss;
    CHECK(last < 0.6 * first);
    const auto now = weights_of(net);
    fit.exchange_average();
    CHECK((weights_of(net) != now));
    const auto y = net.forward(s.x.view(), true);
    CHECK(l2_loss{}(y, tensor_view<const float>(s.t.view()), net.output_gradient()) == Approx(last).epsilon(0.1));
    fit.exchange_average();
    CHECK((weights_of(net) == now));
}

TEST_CASE("the number of threads changes no bit of a step") {
    using wide = sequential<conv<3, 64, 3>, silu, conv<64, 40, 3, silu>, conv<40, 12, 3>, pixel_shuffle<2>>;
    samples s(3);
    const auto after = [&](any_optimizer o, int threads) {
        context pool({.threads = threads});
        trainable<wide, cpu> net({.seed = 2, .threads = &pool});
        trainer fit(net, std::move(o), {.rate = {.base = 1e-3}, .max_gradient_norm = 0.1, .ema_decay = 0.9});
        for (int i = 0; i < 3; ++i) fit.step(s.x.view(), s.t.view(), l2_loss{});
        auto all = weights_of(net);
        fit.exchange_average();
        const auto averages = weights_of(net);
        all.insert(all.end(), averages.begin(), averages.end());
        return all;
    };
    for (const any_optimizer& o : {any_optimizer(adam{}), any_optimizer(adamw{}), any_optimizer(adafactor{}),
                                   any_optimizer(adafactor({.low_memory = true})), any_optimizer(sgd{})}) {
        INFO(o.name());
        const auto one = after(o, 1);
        for (int threads : {2, 3, 8}) CHECK((after(o, threads) == one));
    }
}

TEST_CASE("a run goes on from its state bit for bit") {
    const any_optimizer optimizers[] = {adafactor{}, adam{}, adamw{}, sgd{}};
    for (const auto& o : optimizers) {
        INFO(o.name());
        const trainer_options options{
            .rate = {.base = 1e-3, .how = learning_rate::decay::cosine, .warmup = 3, .total = 9},
            .max_gradient_norm = 1,
            .ema_decay = 0.99};
        trainable<normalised, cpu> net({.seed = 4}), resumed({.seed = 99});
        trainer fit(net, o, options), rest(resumed, o, options);
        tensor_file file;
        for (std::uint64_t i = 0; i < 8; ++i) {
            if (i == 5) fit.save(file);
            samples s(2, i);
            fit.step(s.x.view(), s.t.view(), l1_loss{});
        }
        rest.load(read_safetensors(safetensors_bytes(file), "state"));
        CHECK(rest.steps() == 5);
        for (std::uint64_t i = 5; i < 8; ++i) {
            samples s(2, i);
            rest.step(s.x.view(), s.t.view(), l1_loss{});
        }
        CHECK((weights_of(net) == weights_of(resumed)));
        fit.exchange_average(), rest.exchange_average();
        CHECK((weights_of(net) == weights_of(resumed)));
    }
}

TEST_CASE("a state of another run is refused, and changes nothing") {
    trainable<normalised, reference> net({.seed = 4});
    trainer fit(net, adam{}, {});
    const auto before = weights_of(net);
    tensor_file file;
    file.source = "other.safetensors";
    trainable<normalised, reference> other;
    trainer(other, sgd{}, {}).save(file);
    CHECK_THROWS_WITH(fit.load(file),
                      Catch::Contains("other.safetensors") && Catch::Contains("sgd") && Catch::Contains("adam"));
    tensor_file none;
    none.source = "weights.safetensors";
    CHECK_THROWS_WITH(fit.load(none), Catch::Contains("weights.safetensors") && Catch::Contains("no checkpoint"));
    CHECK((weights_of(net) == before));
}

TEST_CASE("a step that is not finite is skipped, counted, and its layer named") {
    trainable<normalised, reference> net({.seed = 4});
    samples s(1);
    trainer fit(net, adam{}, {.most_bad_steps = 3});
    fit.step(s.x.view(), s.t.view(), l2_loss{});
    fit.keep_state();
    const auto good = weights_of(net);
    fit.step(s.x.view(), s.t.view(), l2_loss{});
    const double rate = fit.step(s.x.view(), s.t.view(), l2_loss{}).learning_rate;

    samples bad(1);
    bad.x.data()[7] = std::numeric_limits<float>::quiet_NaN();
    const auto parameters = [&] {
        std::vector<float> all;
        for (auto& p : net.parameters()) all.insert(all.end(), p.value, p.value + p.size());
        return all;
    };
    const auto before = parameters();
    const step_report r = fit.step(bad.x.view(), bad.t.view(), l2_loss{});
    CHECK_THAT(r.problem,
               Catch::Contains("loss") && Catch::Contains("first in layer first") && Catch::Contains("skipped"));
    CHECK((parameters() == before));
    CHECK(fit.bad_steps() == 1);

    // The gradient alone.
    const step_report g = fit.step(s.x.view(), s.t.view(), [](auto, auto, tensor_view<float> dy, double) {
        dy.at(0, 0, 0)[0] = std::numeric_limits<float>::infinity();
        return 1.;
    });
    CHECK_THAT(g.problem, Catch::Contains("gradient"));
    CHECK((parameters() == before));

    const step_report third = fit.step(bad.x.view(), bad.t.view(), l2_loss{});
    CHECK_THAT(third.problem, Catch::Contains("back to step 1"));
    CHECK((weights_of(net) == good));
    CHECK(fit.bad_steps() == 3);
    CHECK(fit.step(s.x.view(), s.t.view(), l2_loss{}).learning_rate == Approx(rate / 2));
}

TEST_CASE("a run that returns to one state again and again is given up") {
    trainable<normalised, reference> net({.seed = 4});
    samples s(1), bad(1);
    bad.x.data()[7] = std::numeric_limits<float>::quiet_NaN();
    trainer fit(net, adam{}, {.most_bad_steps = 2});
    const auto return_once = [&] {
        fit.step(bad.x.view(), bad.t.view(), l2_loss{});
        return fit.step(bad.x.view(), bad.t.view(), l2_loss{}).problem;
    };
    fit.step(s.x.view(), s.t.view(), l2_loss{});
    fit.keep_state();
    for (int i = 0; i < 3; ++i) CHECK_THAT(return_once(), Catch::Contains("back to step 1"));
    fit.step(s.x.view(), s.t.view(), l2_loss{});
    fit.keep_state(); // progress: three more
    const auto good = weights_of(net);
    for (int i = 0; i < 3; ++i) CHECK_THAT(return_once(), Catch::Contains("back to step 2"));
    CHECK_THROWS_WITH(return_once(), Catch::Contains("3 returns to step 2 have not helped") &&
                                         Catch::Contains("not finite, first in layer first"));
    CHECK((weights_of(net) == good));
    CHECK(fit.between_steps());
}

TEST_CASE("a step that is given up leaves all as it was") {
    trainable<normalised, reference> net({.seed = 4}), other({.seed = 4});
    samples s(2), t(2, 9);
    trainer fit(net, adam{}, {.accumulation = 2}), expected(other, adam{}, {.accumulation = 2});
    const auto both = [&](trainer& of) {
        of.step(s.x.view(), s.t.view(), l2_loss{});
        return of.step(t.x.view(), t.t.view(), l2_loss{});
    };
    both(fit), both(expected);
    fit.step(t.x.view(), t.t.view(), l2_loss{});
    fit.give_up_step(); // between two micro-batches
    CHECK((weights_of(net) == weights_of(other)));
    struct left {};
    for (int operations : {0, 3, 9}) { // and within one
        int done = 0;
        net.between_operations([&] {
            if (done++ == operations) throw left{};
        });
        CHECK_THROWS_AS(both(fit), left);
        net.between_operations({});
        fit.give_up_step();
        CHECK((weights_of(net) == weights_of(other)));
    }
    CHECK(both(fit).loss == both(expected).loss);
    CHECK((weights_of(net) == weights_of(other)));
}

TEST_CASE("learning rates") {
    const learning_rate warm{.base = 2, .warmup = 4};
    CHECK(warm.at(0) == Approx(0.5));
    CHECK(warm.at(3) == Approx(2));
    CHECK(warm.at(100) == Approx(2));
    const learning_rate cosine{.base = 2, .how = learning_rate::decay::cosine, .total = 100, .final = 0.1};
    CHECK(cosine.at(0) == Approx(2));
    CHECK(cosine.at(50) == Approx(1.1));
    CHECK(cosine.at(100) == Approx(0.2));
    CHECK(cosine.at(1000) == Approx(0.2));
    const learning_rate steps{.base = 1, .how = learning_rate::decay::multi_step, .milestones = {10, 20}, .gamma = 0.1};
    CHECK(steps.at(9) == Approx(1));
    CHECK(steps.at(10) == Approx(0.1));
    CHECK(steps.at(25) == Approx(0.01));
}

TEST_CASE("a loss scaler backs off and recovers") {
    loss_scaler s{.scale = 8, .window = 3};
    CHECK_FALSE(s.update(false));
    CHECK(s.scale == 8); // one overflow is forgiven
    CHECK_FALSE(s.update(false));
    CHECK(s.scale == 4);
    for (int i = 0; i < 3; ++i) CHECK(s.update(true));
    CHECK(s.scale == 8);
    for (int i = 0; i < 20; ++i) s.update(false);
    CHECK(s.scale == 1);
}

TEST_CASE("the ratio of a loss to itself") {
    CHECK(detached_ratio(0.25) == 4);
    CHECK(detached_ratio(-0.5) == 2);
    CHECK(detached_ratio(0) == 0);
    CHECK(std::isnan(detached_ratio(std::nan(""))));
}
