// Steps that several processes take together beside those of one that has the whole batch. On any backend.
#pragma once
#include "support/adversarial_steps.hpp"
#include "support/processes.hpp"

namespace fovea_test {

using plain_network = sequential<named<"first", weight_norm<conv<3, 8, 3, silu>>>, layer_norm<8>,
                                 named<"second", conv<8, 12, 3>>, pixel_shuffle<2>>;

inline tensor_view<const float> share_of(const tensor<float>& all, const training_group& g) {
    const auto v = all.view();
    const int each = v.batch() / g.size();
    return {v.at(each * g.rank(), 0, 0), each, v.height(), v.width(), v.channels(), v.row_stride(), v.image_stride()};
}

// `Runs` in each of some processes, made by make(group): f(runs, group) in all of them at once. They stay for a test to
// look at.
template <class Runs> class together {
  public:
    template <class Make, class F> together(int count, Make make, F f) : of_(std::size_t(count)) {
        for (auto& e : errors_of_processes(count, [&](training_group& g) {
                 auto& mine = of_[std::size_t(g.rank())];
                 mine = make(g);
                 f(*mine, g);
                 g.wait_for_all();
             }))
            CHECK(e == "");
    }
    Runs& operator[](int rank) const { return *of_[std::size_t(rank)]; }

  private:
    std::vector<std::unique_ptr<Runs>> of_;
};

// A network that learns, and what it has reported.
template <class Network, class Backend> struct learner {
    trainable<Network, Backend> net;
    trainer fit;
    std::vector<step_report> reports;

    learner(const any_optimizer& o, const trainer_options& options, std::uint64_t seed, training_group* g = nullptr)
        : net({.seed = seed}), fit(net, o, options, g) {}
    void step(tensor_view<const float> x, tensor_view<const float> t, const loss_function& loss) {
        const step_report r = fit.step(x, t, loss);
        if (r.complete) reports.push_back(r);
    }
};
template <class Network, class Backend>
auto learners(const any_optimizer& o, const trainer_options& options) { // all begin with the first one's weights
    return [=](training_group& g) {
        return std::make_unique<learner<Network, Backend>>(o, options, std::uint64_t(4 + g.rank()), &g);
    };
}

template <class Network, class Backend>
void check_parallel_run(const any_optimizer& o, const trainer_options& options, const loss_function& loss,
                        int most = 3) {
    constexpr int batch = 6, steps = 6;
    const auto data = [&](int i) { return samples(batch, 6, 7 + i / 8, 2, std::uint64_t(i)); };
    const int micro = steps * options.accumulation;
    learner<Network, Backend> alone(o, options, 4);
    for (int i = 0; i < micro; ++i) {
        const samples s = data(i);
        alone.step(s.x.view(), s.t.view(), loss);
    }
    for (int count = 2; count <= most; ++count) {
        INFO(o.name() << ", " << count << " processes");
        const together<learner<Network, Backend>> all(count, learners<Network, Backend>(o, options),
                                                      [&](auto& mine, training_group& g) {
                                                          for (int i = 0; i < micro; ++i) {
                                                              const samples s = data(i);
                                                              mine.step(share_of(s.x, g), share_of(s.t, g), loss);
                                                          }
                                                      });
        for (int rank = 0; rank < count; ++rank)
            for (int i = 0; i < steps; ++i) {
                const step_report &is = all[rank].reports[std::size_t(i)], &expected = alone.reports[std::size_t(i)];
                CHECK((is.problem.empty() && expected.problem.empty()));
                CHECK(is.loss == Approx(expected.loss).epsilon(1e-5)); // float32 sums in another order
                CHECK(is.gradient_norm == Approx(expected.gradient_norm).epsilon(1e-4));
                CHECK(same_number(is.loss, all[0].reports[std::size_t(i)].loss));
            }
        // The quotient of Adam's moments turns rounding into steps where a gradient is nearly zero.
        CHECK(difference(all[0].fit, alone.fit) < 1e-3);
        for (int rank = 1; rank < count; ++rank) CHECK(difference(all[rank].fit, all[0].fit) == 0);
    }
}

template <class Backend> void check_parallel_steps(int most = 3) { // processes
    const loss_function varied = weighted_sum{l2_loss{}, 1., total_variation_loss{}, 1e-2};
    const auto own = [](tensor_view<const float> y, tensor_view<const float> t, tensor_view<float> dy, double weight) {
        return l2_loss{}(y, t, dy, weight);
    };
    check_parallel_run<plain_network, Backend>(adamw{{.epsilon = 1e-4}},
                                               {.rate = {.base = 1e-3}, .max_gradient_norm = 0.3, .accumulation = 2},
                                               l1_loss{}, most);
    check_parallel_run<plain_network, Backend>(adafactor{}, {.rate = {.base = 1e-3, .warmup = 3}, .ema_decay = 0.9},
                                               varied, most);
    check_parallel_run<zoo::supercool<2, 8, 1, 1>, Backend>(sgd{}, {.rate = {.base = 1e-3}, .accumulation = 2}, own,
                                                            most);
}

// Of all layers, one behind the other.
inline std::vector<float> running_means(basic_trainable<float>& net) {
    std::vector<float> all;
    for (auto& b : net.buffers())
        if (b.name.ends_with("mean")) all.insert(all.end(), b.values().begin(), b.values().end());
    return all;
}

// Batch normalisation sees each process's share; running estimates are the mean of all.
template <class Backend> void check_parallel_normalisation() {
    using run = learner<normalised_network, Backend>;
    const samples s(4, 6, 7, 2, 1);
    run alone(sgd{}, {}, 4);
    alone.step(s.x.view(), s.t.view(), l2_loss{});
    const std::vector<float> expected = running_means(alone.net);
    REQUIRE(!expected.empty());
    const together<run> all(2, learners<normalised_network, Backend>(sgd{}, trainer_options{}),
                            [&](auto& mine, training_group& g) {
                                mine.step(share_of(s.x, g), share_of(s.t, g), l2_loss{});
                                if (relative_distance(running_means(mine.net), expected, 1e-3) > 1e-5)
                                    fail("running means");
                                for (int i = 0; i < 5; ++i) mine.step(share_of(s.x, g), share_of(s.t, g), l2_loss{});
                            });
    CHECK(difference(all[1].fit, all[0].fit) == 0);
}

// One process has a number that is not finite, in its image, then only in its gradient: none takes the step.
template <class Backend> void check_parallel_bad_steps() {
    using run = learner<plain_network, Backend>;
    const trainer_options options{.ema_decay = 0.9, .most_bad_steps = 3};
    samples good(4, 6, 7, 2, 1), bad(4, 6, 7, 2, 1);
    bad.x.at(3, 2, 3)[1] = std::numeric_limits<float>::infinity();
    const together<run> all(2, learners<plain_network, Backend>(adam{}, options), [&](auto& mine, training_group& g) {
        const auto step = [&](const samples& s, const loss_function& loss) {
            mine.step(share_of(s.x, g), share_of(s.t, g), loss);
        };
        const auto own = [&](tensor_view<const float> y, tensor_view<const float> t, tensor_view<float> dy,
                             double weight) {
            const double loss = l2_loss{}(y, t, dy, weight);
            if (g.rank() == 1) dy.at(0, 0, 0)[0] = std::numeric_limits<float>::quiet_NaN();
            return loss;
        };
        step(good, l2_loss{}), step(bad, l2_loss{}), step(good, l2_loss{}), step(good, own);
        step(bad, [](auto y, auto t, auto dy, double weight) { return l2_loss{}(y, t, dy, weight); });
        step(bad, l2_loss{}); // the third in a row
        step(good, l2_loss{});
    });
    for (int rank : {0, 1}) {
        const auto& r = all[rank].reports;
        CHECK((r[0].problem.empty() && r[2].problem.empty() && r[6].problem.empty()));
        CHECK_THAT(r[1].problem, Catch::Contains("the loss is not finite") && Catch::Contains("skipped"));
        CHECK_THAT(r[3].problem, Catch::Contains("the gradient is not finite") && Catch::Contains("skipped"));
        CHECK_THAT(r[4].problem, Catch::Contains(rank == 1 ? "first in layer first" : "not finite in process 1"));
        CHECK_THAT(r[5].problem, Catch::Contains("back to step 0"));
        CHECK(all[rank].fit.bad_steps() == 4);
    }
    CHECK(all[0].fit.steps() == 1); // after the return
    CHECK(difference(all[1].fit, all[0].fit) == 0);
}

template <class Backend> struct parallel_duel {
    using critic_network = sequential<conv<3, 8, 3, silu, conv_options{.stride = 2}>, weight_norm<conv<8, 6, 3, silu>>,
                                      global_average_pool, linear<6, 1>>;
    trainable<small_upscaler, Backend> net{{.seed = 4}};
    trainable<critic_network, Backend> critic{{.seed = 5, .beside = &net.engine()}};
    trainer fit, critic_fit;
    adversarial_trainer both;
    std::vector<double> losses;

    explicit parallel_duel(const trainer_options& o, const loss_function& loss, training_group* g = nullptr)
        : fit(net, sgd{}, o, g), critic_fit(critic, sgd{}, o, g), both(fit, critic_fit, loss) {}
    void step(tensor_view<const float> x, tensor_view<const float> t, bool learns) {
        const adversarial_report r = both.step(x, t, learns);
        if (!(r.upscaler.problem + r.critic.problem).empty()) fail(r.upscaler.problem, r.critic.problem);
        if (r.critic.complete) losses.push_back(r.critic.loss);
        if (r.upscaler.complete) losses.push_back(r.upscaler.loss), losses.push_back(r.upscaler.gradient_norm);
    }
};

template <class Backend> void check_parallel_duels(const loss_function& loss) {
    using run = parallel_duel<Backend>;
    const trainer_options o{.rate = {.base = 1e-3}, .max_gradient_norm = 5, .accumulation = 2, .ema_decay = 0.9};
    run alone(o, loss);
    const auto data = [](int i) { return samples(2, 8, 6, 2, std::uint64_t(i)); };
    for (int i = 0; i < 8; ++i) {
        const samples s = data(i);
        alone.step(s.x.view(), s.t.view(), i >= 2);
    }
    const together<run> all(
        2, [&](training_group& g) { return std::make_unique<run>(o, loss, &g); },
        [&](run& mine, training_group& g) {
            for (int i = 0; i < 8; ++i) {
                const samples s = data(i);
                mine.step(share_of(s.x, g), share_of(s.t, g), i >= 2);
            }
        });
    REQUIRE((all[0].losses.size() == alone.losses.size() && all[1].losses == all[0].losses));
    for (std::size_t i = 0; i < alone.losses.size(); ++i)
        CHECK(all[0].losses[i] == Approx(alone.losses[i]).epsilon(1e-4));
    CHECK(difference(all[0].fit, alone.fit) < 1e-4);
    CHECK(difference(all[0].critic_fit, alone.critic_fit) < 1e-4);
    CHECK(difference(all[1].fit, all[0].fit) == 0);
    CHECK(difference(all[1].critic_fit, all[0].critic_fit) == 0);
}

} // namespace fovea_test
