// Training as on a GPU, on a device that is the host: every layer, and steps beside those of the CPU.
#include "fovea/backend/cpu/cpu.hpp"
#include "support/host_training.hpp"
#include "support/training_steps.hpp"

using namespace fovea_test;

TEST_CASE("training of the GPU: every layer") {
    check_trained_convolutions<trained_on_host>();
    check_trained_strides<trained_on_host>();
    check_trained_depthwise<trained_on_host>();
    check_trained_activations<trained_on_host>();
    check_trained_normalisations<trained_on_host>();
    check_trained_sizes<trained_on_host>();
    check_trained_networks<trained_on_host>();
}

TEST_CASE("training of the GPU: sums over many pixels are cut into parts") {
    constexpr int batch = 3, height = 80, width = 61; // three parts of weight gradients, seven strips of channel sums
    check_training<trained_on_host, conv<3, 8, 3>>(batch, height, width);
    check_training<trained_on_host, sequential<conv<3, 6, 1>, conv<6, 8, 3, identity, conv_options{.groups = 2}>>>(
        batch, height, width);
    check_training<trained_on_host, sequential<conv<3, 6, 1>, depthwise<6, 3>, layer_norm<6>>>(batch, height, width);
}

TEST_CASE("training of the GPU: steps follow the CPU's") { check_training_steps<trained_on_host, cpu>(); }
TEST_CASE("training of the GPU: any loss, on the host") { check_own_loss<trained_on_host, cpu>(); }
TEST_CASE("training of the GPU: a long run follows the CPU's") { check_long_run<trained_on_host, cpu>(); }
TEST_CASE("training of the GPU: a run goes on where the other stopped") { check_resume<trained_on_host, cpu>(); }
TEST_CASE("training of the GPU: a step that is not finite changes nothing") { check_bad_steps<trained_on_host>(); }

TEST_CASE("training of the GPU: weights are written and read on the host") {
    trainable<normalised_network, trained_on_host> net;
    trainable<normalised_network, cpu> on_cpu;
    const samples s(1, 5, 6, 2, 4);
    adam by_hand, on_host;
    for (int step = 0; step < 3; ++step) {
        net.clear_gradients(), on_cpu.clear_gradients();
        const auto y = net.forward(s.x.view()), expected_y = on_cpu.forward(s.x.view());
        const double is = l2_loss{}(y, s.t.view(), net.output_gradient()),
                     expected = l2_loss{}(expected_y, s.t.view(), on_cpu.output_gradient());
        CHECK(is == Approx(expected).epsilon(1e-5));
        net.backward(), on_cpu.backward();
        by_hand.step(net.parameters(), 1e-3), on_host.step(on_cpu.parameters(), 1e-3);
        net.weights_changed(), on_cpu.weights_changed();
    }
}

TEST_CASE("training of the GPU: what is not there is said") {
    trainable<normalised_network, trained_on_host> net;
    CHECK_THROWS_WITH((trainable<normalised_network, trained_on_host>({.precision = precision_kind::bfloat16})),
                      Catch::Contains("expected precision float32"));
    CHECK_THROWS_WITH(net.forward(random_tensor(1, 5, 5, 2).view()), Catch::Contains("expects 3"));
    trainer fit(net, adam{}, {});
    const samples s(1, 5, 6, 1, 4);
    CHECK_THROWS_WITH(fit.step(s.x.view(), s.t.view(), l2_loss{}), Catch::Contains("beside a target"));
}
