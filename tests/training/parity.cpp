// Losses, gradients and twenty steps of each optimizer against an independent framework; vectors/make_training.py made
// the numbers.
#include "fovea/fovea.hpp"
#include "support/catch.hpp"
#include "support/compare.hpp"

using namespace fovea;
using fovea_test::relative_distance;

namespace {

using small_upscaler = sum<sequential<named<"conv1", weight_norm<conv<3, 8, 3, silu>>>, named<"conv2", conv<8, 6, 1>>,
                                      named<"norm", layer_norm<6>>, named<"conv3", conv<6, 12, 3>>, pixel_shuffle<2>>,
                           upsample<2, bicubic>>;

const tensor_file& vectors() {
    static const tensor_file file = read_tensor_file(FOVEA_VECTORS "/training.safetensors");
    return file;
}
std::vector<float> floats_of(const std::string& name) { return to_floats(vectors().at(name)); }

tensor<float> image_of(const std::string& name) {
    const auto& t = vectors().at(name);
    tensor<float> x(int(t.shape[0]), int(t.shape[1]), int(t.shape[2]), int(t.shape[3]));
    std::ranges::copy(to_floats(t), x.data());
    return x;
}

template <class Backend> void start(trainable<small_upscaler, Backend>& net) {
    for (auto& p : net.parameters()) std::ranges::copy(floats_of("start/" + p.name), p.value);
    net.weights_changed();
}

template <class Loss> void check_loss(const std::string& name, const Loss& loss) {
    INFO(name);
    const tensor<float> y = image_of("loss/" + name + "/y"), t = image_of("t");
    tensor<float> dy(y.batch(), y.height(), y.width(), y.channels());
    std::fill_n(dy.data(), dy.size(), 0.5f);
    const double value = loss(y.view(), t.view(), dy.view(), 2.);
    CHECK(value == Approx(double(floats_of("loss/" + name + "/value")[0])).epsilon(1e-6));
    auto expected = floats_of("loss/" + name + "/dy");
    for (float& d : expected) d = 0.5f + 2 * d; // added, twice
    for (std::size_t i = 0; i < dy.size(); ++i) REQUIRE(dy.data()[i] == Approx(double(expected[i])).epsilon(1e-6));
}

// float32 in another order: a step's rounding of 1e-7 of a weight, over twenty steps.
constexpr double tolerance = 1e-5;

template <class Backend, class Optimizer>
void check_optimizer(const std::string& name, Optimizer o, double rate, double clip = 0) {
    INFO(name);
    trainable<small_upscaler, Backend> net;
    start(net);
    trainer fit(net, std::move(o), {.rate = {.base = rate}, .max_gradient_norm = clip});
    const tensor<float> x = image_of("x"), t = image_of("t");
    const auto losses = floats_of(name + "/losses");
    for (std::size_t step = 0; step < losses.size(); ++step) {
        const step_report r =
            fit.step(x.view(), t.view(), [](const auto& y, const auto& target, auto dy, double weight) {
                return 1000 * l2_loss{}(y, target, dy, 1000 * weight);
            });
        CHECK(r.complete);
        CHECK(r.loss == Approx(double(losses[step])).epsilon(tolerance));
    }
    for (auto& p : net.parameters()) {
        INFO(p.name);
        CHECK(relative_distance(p.values(), floats_of(name + "/" + p.name)) < tolerance);
    }
}

template <class Backend> void check_optimizers() {
    check_optimizer<Backend>("adafactor", adafactor{}, 1e-2, 1000);
    check_optimizer<Backend>("adafactor", adafactor({.low_memory = true}), 1e-2, 1000);
    check_optimizer<Backend>("adafactor_decay", adafactor({.beta2_decay = -0.5, .weight_decay = 0.01}), 0.02);
    check_optimizer<Backend>("adam", adam({.beta2 = 0.99, .weight_decay = 0.02}), 1e-3);
    check_optimizer<Backend>("adamw", adamw({.beta2 = 0.99, .weight_decay = 0.005}), 8e-4, 500);
    check_optimizer<Backend>("sgd", sgd({.weight_decay = 1}), 1e-5, 100);
    check_optimizer<Backend>("nesterov", sgd({.momentum = 0.8, .nesterov = true}), 1e-5);
}

template <class Backend> void check_gradients() {
    trainable<small_upscaler, Backend> net;
    start(net);
    const tensor<float> x = image_of("x"), t = image_of("t"), expected = image_of("network/y");
    const auto y = net.forward(x.view());
    for (int n = 0; n < y.batch(); ++n)
        for (int h = 0; h < y.height(); ++h)
            CHECK(relative_distance(std::span(y.at(n, h, 0), std::size_t(y.width() * 3)),
                                    std::span(expected.at(n, h, 0), std::size_t(y.width() * 3))) < tolerance);
    CHECK(l1_loss{}(y, t.view(), net.output_gradient()) == Approx(double(floats_of("network/loss")[0])).epsilon(1e-6));
    net.backward();
    for (auto& p : net.parameters()) {
        INFO(p.name);
        CHECK(relative_distance(p.gradients(), floats_of("gradient/" + p.name)) < tolerance);
    }
}

} // namespace

TEST_CASE("losses are those of an independent framework") {
    check_loss("l1", l1_loss{});
    check_loss("l2", l2_loss{});
    check_loss("charbonnier", charbonnier_loss{});
    check_loss("total_variation", total_variation_loss{});
    for (bool real : {true, false})
        check_loss(real ? "bce_real" : "bce_fake",
                   [real](tensor_view<const float> y, tensor_view<const float>, tensor_view<float> dy, double weight) {
                       return binary_cross_entropy_with_logits{}(y, real, dy, weight);
                   });
}
TEST_CASE("gradients are those of an independent framework") {
    check_gradients<reference>();
    check_gradients<cpu>();
}
TEST_CASE("optimizers are those of an independent framework") {
    check_optimizers<reference>();
    check_optimizers<cpu>();
}
