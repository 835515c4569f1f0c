// The critic in training mode, with statistics of the batch, and its gradients as a whole: against PyTorch in float64,
// by make_critic_training.py, with weights and images that a formula gives.
#include "zoo/critic_training.hpp"

#include "fovea/backend/cpu/cpu.hpp"
#include "fovea/loss/classification.hpp"
#include "fovea/model/trainable.hpp"
#include "fovea/zoo/critic.hpp"
#include "support/catch.hpp"

using namespace fovea;

namespace {

// Number i of [-1,1) under a name.
double noise(std::size_t i, const std::string& name) {
    std::uint32_t sum = 0;
    for (char c : name) sum += std::uint32_t(c);
    std::uint32_t x = std::uint32_t(i) + 0x9e3779bu * sum;
    for (int k = 0; k < 2; ++k) x = (x ^ x >> 16) * 0x45d9f3bu;
    return double(x ^ x >> 16) / 2147483648. - 1;
}

void fill(parameter& p) {
    const bool matrix = p.rank > 1;
    const double inputs = double(p.size() / std::size_t(p.dims[0])), deviation = matrix ? std::sqrt(3 / inputs) : 0.1;
    const double mean = matrix || p.name.ends_with("bias") ? 0 : 1;
    for (std::size_t i = 0; i < p.size(); ++i) p.value[i] = float(mean + deviation * noise(i, p.name));
}

tensor<float> images() {
    tensor<float> x(2, 64, 64, 3);
    const std::size_t each = x.size() / 2;
    for (std::size_t i = 0; i < x.size(); ++i) x.data()[i] = float(noise(i % each, i < each ? "image 0" : "image 1"));
    return x;
}

// Of the first image, which is called real, and the second, which is not; fills the gradient of the logits.
double loss_of(basic_trainable<float>& critic, tensor_view<const float> logits) {
    double loss = 0;
    for (int n = 0; n < 2; ++n)
        loss += 0.5 * binary_cross_entropy_with_logits{}(
                          tensor_view<const float>(logits.at(n, 0, 0), 1, 1, 1, 1), n == 0,
                          tensor_view<float>(critic.output_gradient().at(n, 0, 0), 1, 1, 1, 1), 0.5);
    return loss;
}

double mean_of(basic_trainable<float>& critic, const std::string& buffer) {
    const auto& b = *std::ranges::find(critic.buffers(), buffer, [](auto& of) { return of.name; });
    double sum = 0;
    for (float v : b.values()) sum += double(v);
    return sum / double(b.size());
}

void check_gradient(const parameter& p, const fovea_test::critic_gradient& expected) {
    INFO(p.name);
    CHECK(p.name == expected.name);
    double square = 0, along = 0;
    for (std::size_t i = 0; i < p.size(); ++i) {
        square += double(p.gradient[i]) * double(p.gradient[i]);
        along += double(p.gradient[i]) * noise(i, p.name + "'");
    }
    // PyTorch in float32 is up to 1.8e-5 of the norm away from itself in float64; other orders of summing, Winograd's
    // transforms among them, may be some times as far.
    const double margin = 1e-4 * expected.norm;
    CHECK(std::sqrt(square) == Approx(expected.norm).margin(margin).epsilon(0));
    CHECK(along == Approx(expected.along).margin(margin).epsilon(0));
}

} // namespace

TEST_CASE("the small critic in training mode: logits, loss, running estimates, every gradient") {
    trainable<zoo::critic_small, cpu> critic;
    for (auto& p : critic.parameters()) fill(p);
    critic.weights_changed();
    const auto x = images();
    const auto logits = critic.forward(x.view());
    // Some 150 roundings of 6e-8, and normalisations over as few as 8 numbers that enlarge them.
    for (int n = 0; n < 2; ++n)
        CHECK(double(*logits.at(n, 0, 0)) == Approx(fovea_test::critic_logits[n]).margin(2e-5).epsilon(0));
    CHECK(loss_of(critic, logits) == Approx(fovea_test::critic_loss).epsilon(1e-5));
    CHECK(mean_of(critic, "detector.15.residual.1.running_var") ==
          Approx(fovea_test::critic_running_variance).epsilon(1e-5));

    critic.backward();
    REQUIRE(critic.parameters().size() == std::size(fovea_test::critic_gradients));
    for (auto& expected : fovea_test::critic_gradients) {
        const auto p = std::ranges::find(critic.parameters(), expected.name, [](auto& of) { return of.name; });
        REQUIRE(p != critic.parameters().end());
        check_gradient(*p, expected);
    }
}
