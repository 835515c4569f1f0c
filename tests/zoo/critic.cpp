// Logits of the critic against PyTorch's, computed by make_critic_vector.py with weights that a formula gives.
#include "fovea/zoo/critic.hpp"

#include "fovea/backend/cpu/cpu.hpp"
#include "fovea/model/model.hpp"
#include "support/catch.hpp"
#include "support/random_weights.hpp"

using namespace fovea;

namespace {

template <class Critic> tensor_file weights_by_formula() {
    tensor_file file;
    const graph g = shapes_of<Critic>();
    for (auto& w : g.weights) {
        const std::string name = g.name(w);
        double phase = 0;
        for (char c : name) phase += c;
        phase *= 0.37;
        const std::size_t n = count(w.dims), fan_in = n / std::size_t(w.dims[0]);
        const bool near_one = fan_in == 1 && !name.ends_with("bias") && !name.ends_with("mean");
        const double scale = fan_in == 1 ? 0.1 : std::sqrt(1.2 / double(fan_in));
        std::vector<float> values(n);
        for (std::size_t i = 0; i < n; ++i) {
            const double wave = std::sin(double(i) * 0.7311 + phase);
            values[i] = float(near_one ? 1 + 0.3 * wave : scale * wave);
        }
        file.add(tensor_of(name, {w.dims[0], w.dims[1], w.dims[2], w.dims[3]}, values));
    }
    return file;
}

template <class Critic> void check(double square_logit, double odd_logit) {
    model<Critic, cpu> critic(weights_by_formula<Critic>());
    for (auto [height, width, expected] : {std::tuple{64, 64, square_logit}, {37, 53, odd_logit}}) {
        tensor<float> x(2, height, width, 3);
        for (int n = 0; n < 2; ++n)
            for (int y = 0; y < height; ++y)
                for (int u = 0; u < width; ++u)
                    for (int c = 0; c < 3; ++c) x.at(n, y, u)[c] = float(0.5 + 0.5 * std::sin(0.11 * y + 0.23 * u + c));
        const auto logits = critic(x.view());
        REQUIRE(logits.size() == 2);
        // float32 through some 150 layers: about sqrt(150) * 1e-7 of activations that are near one
        CHECK(logits.data()[0] == Approx(expected).epsilon(2e-5));
        CHECK(logits.data()[1] == logits.data()[0]);
    }
}

} // namespace

TEST_CASE("the small critic's logit") { check<zoo::critic_small>(2.57899, 2.578851); }
TEST_CASE("the medium critic's logit") { check<zoo::critic_medium>(4.668385, 4.667881); }
TEST_CASE("the large critic's logit") { check<zoo::critic_large>(-4.493157, -4.490873); }
