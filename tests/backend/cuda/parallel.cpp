// Several processes that train one network, each on a device of its own that is the host: sums put into the queue
// beside the work, run as late or as early as they may, recorded or not.
#include "support/host_training.hpp"
#include "support/parallel_steps.hpp"

using namespace fovea_test;

namespace {

// Weights of a chain of convolutions, of about a megabyte each.
using wide =
    sequential<conv<3, 128, 3>, weight_norm<conv<128, 232, 3, silu>>, conv<232, 128, 3, silu>, conv<128, 3, 3>>;

} // namespace

TEST_CASE("training on a GPU in several processes takes the steps of one with the whole batch") {
    check_parallel_steps<trained_on_host>();
    check_parallel_run<plain_network, trained_unrecorded>(sgd{}, {.rate = {.base = 1e-3}}, l1_loss{});
    const copies_are_eager now; // and sums
    check_parallel_steps<trained_on_host>();
}
TEST_CASE("training on a GPU in several processes: running estimates are their mean") {
    check_parallel_normalisation<trained_on_host>();
}
TEST_CASE("training on a GPU in several processes: a step that one cannot take no other takes") {
    check_parallel_bad_steps<trained_on_host>();
}
TEST_CASE("training on a GPU in several processes: an upscaler and its critic") {
    const loss_function varied = weighted_sum{l2_loss{}, 1., total_variation_loss{}, 1e-2};
    check_parallel_duels<trained_on_host>(varied);
    const copies_are_eager now;
    check_parallel_duels<trained_on_host>(varied);
    check_parallel_duels<trained_on_host>([](tensor_view<const float> y, tensor_view<const float> t,
                                             tensor_view<float> dy, double w) { return l1_loss{}(y, t, dy, w); });
}
// Gradients of one process's image are larger than fp16 holds: all skip the step and lower the scale.
TEST_CASE("training on a GPU in several processes: the scale of the loss stays in step") {
    struct run {
        trainable<plain_network, trained_on_host> net{{.seed = 4, .precision = precision_kind::float16}};
        trainer fit;
        std::vector<std::string> problems;
        explicit run(training_group* g) : fit(net, sgd{}, {.rate = {.base = 1e-3}}, g) {}
        void step(tensor_view<const float> x, tensor_view<const float> t) {
            problems.push_back(fit.step(x, t, l2_loss{}).problem);
        }
    };
    const auto data = [](int i) {
        samples s(4, 6, 7, 2, std::uint64_t(i));
        if (i % 3 > 0) s.t.at(3, 1, 1)[0] = 1e6f;
        return s;
    };
    run alone(nullptr);
    for (int i = 0; i < 6; ++i) {
        const samples s = data(i);
        alone.step(s.x.view(), s.t.view());
    }
    const together<run> all(
        2, [](training_group& g) { return std::make_unique<run>(&g); },
        [&](run& mine, training_group& g) {
            for (int i = 0; i < 6; ++i) {
                const samples s = data(i);
                mine.step(share_of(s.x, g), share_of(s.t, g));
            }
        });
    CHECK_THAT(all[0].problems[2], Catch::Contains("larger than fp16 holds"));
    CHECK((all[0].problems == alone.problems && all[1].problems == alone.problems));
    CHECK(all[0].fit.steps() < 6);
    CHECK(difference(all[1].fit, all[0].fit) == 0);  // the scale is in it
    CHECK(difference(all[0].fit, alone.fit) < 1e-2); // roundings to 11 bits
}

// What is whole is sent while the pass goes on: the first buckets before gradients that come later are computed.
TEST_CASE("training on a GPU in several processes sends gradients in buckets, from the last layer on") {
    const graph g = detail::trace_network<wide, trained_on_host, training>({}, convolution_method::automatic);
    const training_options o;
    const training_plan plan = plan_training(g, {8, 8}, 2, o, sizeof(float));
    gradient_buckets buckets(g, detail::trained_weights(g, o), 1 << 20);
    REQUIRE(buckets.size() == 3);
    std::size_t numbers = 0;
    for (auto& w : g.weights)
        if (w.kind == weight_kind::parameter) numbers += count(w.dims);
    for (int pass = 0; pass < 2; ++pass) {
        std::vector<int> after; // operations, of which each bucket was sent
        std::size_t end = numbers;
        int operations = 0, prepared = 0;
        buckets.begin(plan);
        for (std::size_t s = plan.forward; s < plan.steps.size(); ++s) {
            ++operations;
            buckets.after(
                plan.steps[s].of, [&](const preparation&) { ++prepared; },
                [&](std::size_t begin, std::size_t size) {
                    CHECK(begin + size == end);
                    end = begin, after.push_back(operations);
                });
        }
        CHECK(end == 0);
        CHECK(prepared == 1);
        REQUIRE(after.size() == 3);
        CHECK((after[0] < after[1] && after[1] < after[2] && after[2] == operations));
    }
}

TEST_CASE("training on a GPU in several processes: buckets that are sent at once hold what they hold at the end") {
    using run = learner<wide, trained_on_host>;
    const auto train = [](int steps) {
        const int before = host_device::sums;
        auto both = std::make_unique<together<run>>(2, learners<wide, trained_on_host>(sgd{}, trainer_options{}),
                                                    [&](run& mine, training_group& g) {
                                                        const samples s(2, 3, 4, 1, 1);
                                                        for (int i = 0; i < steps; ++i)
                                                            mine.step(share_of(s.x, g), share_of(s.t, g), l2_loss{});
                                                    });
        CHECK(host_device::sums - before == 2 * steps * 3); // the loss, the last layers, the first one
        return both;
    };
    const auto late = train(3);
    const copies_are_eager now;
    const auto early = train(3);
    CHECK(difference((*early)[0].fit, (*late)[0].fit) == 0);
    CHECK(difference((*early)[1].fit, (*late)[0].fit) == 0);
}
