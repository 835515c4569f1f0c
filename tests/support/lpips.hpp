// LPIPS without its published weights.
#pragma once
#include "fovea/zoo/lpips_loss.hpp"
#include "support/training_steps.hpp"

namespace fovea_test {

// Linear weights of those channels, as in published files.
inline tensor_file linear_of(std::initializer_list<int> channels) {
    tensor_file file;
    file.source = "linear.pth";
    random_stream random(3);
    int l = 0;
    for (int c : channels) {
        std::vector<float> w(static_cast<std::size_t>(c));
        for (float& v : w) v = random.uniform();
        file.add(fovea::tensor_of("lin" + std::to_string(l++) + ".model.1.weight", {1, c, 1, 1}, w));
    }
    return file;
}

// With random features of SqueezeNet, on a backend that has an engine beside another one.
template <class Backend, class OnHost> void check_lpips() {
    const tensor_file linear = linear_of({64, 128, 256, 384, 384, 512, 512});
    fovea::detail::lpips_distance<float> is(fovea::detail::lpips_network_for<Backend>(linear), {}),
        expected(fovea::detail::lpips_network_for<OnHost>(linear), {});
    for (std::uint64_t seed : {1, 2}) {
        const auto y = random_tensor(1, 17, 18, 3, seed), t = random_tensor(1, 17, 18, 3, seed + 10);
        tensor<float> dy(1, 17, 18, 3), expected_dy(1, 17, 18, 3);
        const auto into = dy.view(), expected_into = expected_dy.view();
        const double distance = is(y.view(), t.view(), &into, 2.),
                     wanted = expected(y.view(), t.view(), &expected_into, 2.);
        CHECK(wanted > 0.01);
        CHECK(distance == Approx(wanted).epsilon(1e-4)); // float32 sums of up to 4608 products in another order
        CHECK(relative_distance(dy, expected_dy, 1e-3) < 1e-3);
        CHECK(is(y.view(), y.view(), nullptr, 1.) == 0);
    }
}

// SqueezeNet's weights as a file has them.
inline tensor_file random_squeezenet() {
    auto file = random_weights<zoo::squeezenet_features>();
    file.source = "backbone.pth";
    return file;
}
// Steps with it as a part of the loss, alone and against a critic.
template <class Backend, class OnHost> void check_lpips_steps() {
    const tensor_file linear = linear_of({64, 128, 256, 384, 384, 512, 512}), backbone = random_squeezenet();
    const trainer_options o{.rate = {.base = 1e-3}};
    using network = sequential<conv<3, 12, 3>, pixel_shuffle<2>>;
    trainable<network, Backend> net({.seed = 4});
    trainable<network, OnHost> on_host({.seed = 4});
    trainer is(net, sgd{}, o), expected(on_host, sgd{}, o);
    const loss_function loss = weighted_sum{l1_loss{}, 1., lpips_loss<Backend>(backbone, linear), 0.5},
                        loss_on_host = weighted_sum{l1_loss{}, 1., lpips_loss<OnHost>(backbone, linear), 0.5};
    REQUIRE(loss.terms().size() == 2);
    for (int step = 0; step < 4; ++step) { // the last of another size
        const samples s(1, 9, step < 3 ? 10 : 12, 2, std::uint64_t(step));
        const step_report a = expected.step(s.x.view(), s.t.view(), loss_on_host),
                          b = is.step(s.x.view(), s.t.view(), loss);
        CHECK(b.problem.empty());
        CHECK(b.loss == Approx(a.loss).epsilon(1e-4)); // as above
        CHECK(b.gradient_norm == Approx(a.gradient_norm).epsilon(1e-3));
    }
    CHECK(difference(is, expected) < 1e-3);
    trainable<network, Backend> other;
    trainer elsewhere(other, sgd{}, o);
    const samples s(1, 9, 10, 2, 1);
    CHECK_THROWS_WITH(elsewhere.step(s.x.view(), s.t.view(), loss), Catch::Contains("another device"));
}

} // namespace fovea_test
