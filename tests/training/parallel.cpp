// Several processes that train one network on the CPU.
#include "support/parallel_steps.hpp"

using namespace fovea_test;

TEST_CASE("processes together take the steps of one with the whole batch") {
    check_parallel_steps<reference>();
    check_parallel_run<plain_network, cpu>(
        adam{{.epsilon = 1e-4}}, {.rate = {.base = 1e-3}, .max_gradient_norm = 0.3, .accumulation = 2}, l1_loss{});
}
TEST_CASE("running estimates of processes are their mean") { check_parallel_normalisation<cpu>(); }
TEST_CASE("a step that one process cannot take no other takes") { check_parallel_bad_steps<cpu>(); }
TEST_CASE("an upscaler and its critic learn in several processes") {
    check_parallel_duels<cpu>(weighted_sum{l2_loss{}, 1., total_variation_loss{}, 1e-2});
}

TEST_CASE("weights that the first process has loaded become those of all") {
    using run = learner<plain_network, reference>;
    const together<run> all(2, learners<plain_network, reference>(adam{}, trainer_options{.ema_decay = 0.9}),
                            [&](run& mine, training_group& g) {
                                if (g.is_first()) mine.net.parameters()[0].value[1] = 0.125f;
                                mine.net.weights_changed();
                                mine.fit.share_state();
                            });
    CHECK(all[1].net.parameters()[0].value[1] == 0.125f);
    CHECK(difference(all[0].fit, all[1].fit) == 0);
}

TEST_CASE("weights that differ between processes are one line") {
    using run = learner<plain_network, reference>;
    std::vector<std::string> said(2);
    const together<run> all(2, learners<plain_network, reference>(adam{}, trainer_options{}),
                            [&](run& mine, training_group& g) {
                                mine.fit.check_same_weights();
                                if (!g.is_first()) mine.net.parameters()[0].value[1] += 1e-6f;
                                said[std::size_t(g.rank())] = error_of([&] { mine.fit.check_same_weights(); });
                            });
    CHECK_THAT(said[0] + said[1], Catch::Contains("has other weights than another one"));
}
