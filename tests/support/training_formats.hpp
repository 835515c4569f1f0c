// Training on a backend that keeps values and gradients in 16 bits, beside the same in float32.
#pragma once
#include "support/training_steps.hpp"

namespace fovea_test {

struct half_kind {
    precision_kind precision;
    double rounding; // the largest of a number, beside it
};
inline constexpr half_kind half_kinds[] = {{precision_kind::bfloat16, 1. / 512}, {precision_kind::float16, 1. / 4096}};

// All of it smooth, so that a rounding moves no slope. Skips, depthwise convolutions, attention, normalisation over
// channels and over batches, a gradient that is passed on to float32 and one that comes from there.
using all_kinds =
    sequential<named<"first", weight_norm<conv<3, 16, 3, silu>>>, named<"block", zoo::vapsr_block<16, 24, 1>>,
               named<"norm", batch_norm<16>>, named<"more", residual<conv<16, 20, 3, silu>, conv<20, 16, 1>>>,
               named<"last", conv<16, 12, 3>>, pixel_shuffle<2>>;

// By hand: every gradient of the weights is off by some roundings of what it is a sum of.
template <class Backend> void check_half_gradients() {
    const samples s(2, 9, 11, 2, 3);
    const auto gradients = [&](precision_kind p) {
        trainable<all_kinds, Backend> net({.seed = 4, .precision = p});
        const auto y = net.forward(s.x.view());
        l2_loss{}(y, s.t.view(), net.output_gradient(), 1000); // far from what fp16 takes for zero
        net.backward();
        std::vector<std::vector<float>> all;
        for (auto& g : net.parameters()) all.emplace_back(g.gradient, g.gradient + g.size());
        return std::pair(all, double(net.bytes()));
    };
    const auto [exact, bytes] = gradients(precision_kind::float32);
    for (auto [precision, rounding] : half_kinds) {
        const auto [half, half_bytes] = gradients(precision);
        double square = 0, of_error = 0;
        for (std::size_t k = 0; k < exact.size(); ++k)
            for (std::size_t i = 0; i < exact[k].size(); ++i) {
                square += double(exact[k][i]) * double(exact[k][i]);
                of_error += double(exact[k][i] - half[k][i]) * double(exact[k][i] - half[k][i]);
            }
        INFO(name_of(precision));
        CHECK(std::sqrt(of_error / square) > rounding / 100);
        CHECK(std::sqrt(of_error / square) < 10 * rounding);
        CHECK(half_bytes < 0.65 * bytes); // images, the last convolution's result and their gradients stay as they are
    }
}

// The curve of a run; the weights are float32, so that steps are not lost that are smaller than a rounding.
template <class Backend> void check_half_steps() {
    const samples s(2, 9, 7, 2, 9);
    const auto curve = [&](precision_kind p) {
        trainable<all_kinds, Backend> net({.seed = 5, .precision = p});
        trainer fit(net, adam{{.epsilon = 1e-4}}, {.rate = {.base = 1e-3}, .max_gradient_norm = 1, .ema_decay = 0.9});
        std::vector<double> losses;
        for (int step = 0; step < some_steps; ++step) {
            const step_report r = fit.step(s.x.view(), s.t.view(), l2_loss{});
            REQUIRE(r.problem.empty());
            losses.push_back(r.loss);
        }
        return losses;
    };
    const auto exact = curve(precision_kind::float32);
    for (auto [precision, rounding] : half_kinds) {
        const auto half = curve(precision);
        INFO(name_of(precision));
        for (std::size_t i = 0; i < exact.size(); ++i) CHECK(half[i] == Approx(exact[i]).epsilon(10 * rounding));
        CHECK(half.back() < half.front());
    }
}

// Gradients that are zero in fp16, but for the scale of the loss; and those that pass what it holds.
template <class Backend> void check_loss_scale() {
    const samples s(1, 6, 5, 2, 7);
    const auto norm = [&](precision_kind p, double weight) {
        trainable<normalised_network, Backend> net({.seed = 3, .precision = p});
        trainer fit(net, sgd{}, {.rate = {.base = 1e-3}});
        return fit.step(s.x.view(), s.t.view(), weighted_sum{l2_loss{}, weight / 2, l2_loss{}, weight / 2})
            .gradient_norm;
    };
    constexpr double small = 1e-7;
    CHECK(norm(precision_kind::float16, small) == Approx(norm(precision_kind::float32, small)).epsilon(0.02));

    trainable<normalised_network, Backend> net({.seed = 3, .precision = precision_kind::float16});
    trainer fit(net, sgd{}, {.rate = {.base = 1e-7}, .most_bad_steps = 2});
    const weighted_sum large{l2_loss{}, 5e3, l2_loss{}, 5e3};
    tensor_file before, after;
    fit.save(before);
    std::vector<std::string> problems;
    for (int step = 0; step < 40 && fit.steps() == 0; ++step) {
        const step_report r = fit.step(s.x.view(), s.t.view(), large);
        if (!r.problem.empty()) problems.push_back(r.problem);
        if (step == 0) fit.save(after);
    }
    REQUIRE(problems.size() > 1);
    for (auto& p : problems) CHECK_THAT(p, Catch::Contains("larger than fp16 holds"));
    for (std::size_t i = 0; i < before.tensors().size(); ++i)
        CHECK(to_floats(before.tensors()[i]) ==
              to_floats(after.tensors()[i])); // a step that was skipped changes nothing
    CHECK(fit.steps() == 1);
    CHECK(fit.bad_steps() == 0);

    tensor_file kept;
    kept.source = "kept";
    fit.save(kept);
    trainable<normalised_network, Backend> other({.seed = 8, .precision = precision_kind::float16});
    trainer on(other, sgd{}, fit.options());
    on.load(kept);
    CHECK(on.step(s.x.view(), s.t.view(), large).problem.empty()); // the scale was kept, too
    fit.step(s.x.view(), s.t.view(), large);
    CHECK(difference(fit, on) == 0);
}

} // namespace fovea_test
