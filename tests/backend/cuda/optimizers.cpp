// Optimizers by the GPU's kernels, run on the host, against those of the CPU.
#include "fovea/engine/cuda/optimizer.hpp"

#include "fovea/core/random.hpp"
#include "fovea/optimizer/any_optimizer.hpp"
#include "fovea/optimizer/moving_average.hpp"
#include "support/catch.hpp"
#include "support/compare.hpp"
#include "support/host_device.hpp"

using namespace fovea;
using namespace fovea_test;

namespace {

// Parameters of a network, and what the device has of them: side by side.
struct weights {
    std::vector<float> values, gradients;
    std::vector<parameter> of;
    random_stream random{7};

    weights() {
        const std::pair<weight_shape, int> shapes[] = {{{5, 3, 3, 3}, 4},  {{1, 1, 1, 1}, 1},  {{67, 1, 1, 1}, 1},
                                                       {{2, 37, 1, 1}, 2}, {{33, 5, 7, 7}, 4}, {{9, 1, 1, 1}, 4}};
        std::size_t all = 0;
        for (auto& [dims, rank] : shapes) all += count(dims);
        values.resize(all), gradients.resize(all);
        for (float& v : values) v = random.normal();
        std::size_t at = 0;
        for (auto& [dims, rank] : shapes) {
            of.push_back({"", dims, rank, values.data() + at, gradients.data() + at});
            at += count(dims);
        }
    }
    void fill_gradients() {
        for (float& g : gradients) g = random.normal();
    }
};

struct settings {
    double most = 0, average = 0;
    int bad = -1; // a step with gradients that are not finite
};

template <class Optimizer> void check_optimizer(const Optimizer& o, const settings& s) {
    INFO(Optimizer::name << ", clipped at " << s.most << ", average " << s.average << ", bad step " << s.bad);
    weights expected, is;
    any_optimizer on_cpu = o, remembered = o;
    on_cpu.prepare(expected.of), remembered.prepare(is.of);
    moving_average average(s.average), average_is(s.average);
    average.prepare(expected.of), average_is.prepare(is.of);

    host_device device;
    device_optimizer<host_device> on_device(device, is.of);
    auto* const averages = s.average > 0 ? &average_is.numbers() : nullptr;
    on_device.upload(remembered.states(), averages);
    for (int step = 0; step < 20; ++step) {
        expected.fill_gradients();
        if (step == s.bad) expected.gradients[expected.gradients.size() - 3] = std::numeric_limits<float>::infinity();
        is.gradients = expected.gradients;
        std::vector<double> norms;
        const double norm = gradient_norm(expected.of, norms), rate = 0.01 / (1 + step);
        const double decay = std::min(s.average, double(1 + average.steps()) / double(10 + average.steps()));
        on_device.begin_step();
        on_device.upload({.how = *on_cpu.rule(),
                          .step = on_cpu.steps() + 1,
                          .learning_rate = rate,
                          .max_gradient_norm = s.most,
                          .average_share = 1 - decay});
        on_device.step(*on_cpu.rule(), is.values.data(), is.gradients.data());
        const update_report r = on_device.report();
        CHECK(r.taken == (step != s.bad));
        if (step == s.bad) continue;
        CHECK(r.gradient_norm == Approx(norm).epsilon(1e-12)); // both in double
        CHECK(r.norms[4] == Approx(norms[4]).epsilon(1e-12));
        if (s.most > 0) clip_gradients(expected.of, norm, s.most);
        on_cpu.step(expected.of, rate);
        if (averages) average.update(expected.of);
    }
    // Twenty roundings of numbers up to 4 (2e-7 each), where a product and a sum may be one operation or two.
    CHECK(distance(is.values, expected.values) < 1e-5);
    on_device.download(remembered.states(), averages);
    const auto kinds = remembered.states(), expected_kinds = on_cpu.states();
    for (std::size_t k = 0; k < kinds.size(); ++k)
        for (std::size_t p = 0; p < kinds[k]->size(); ++p)
            CHECK(distance((*kinds[k])[p], (*expected_kinds[k])[p]) < 1e-5);
    for (std::size_t p = 0; averages && p < averages->size(); ++p)
        CHECK(distance((*averages)[p], average.numbers()[p]) < 1e-5);
}

template <class Optimizer> void check_optimizers(const Optimizer& o) {
    check_optimizer(o, {});
    check_optimizer(o, {.most = 3, .average = 0.99});
    check_optimizer(o, {.most = 1e6, .bad = 7});
    check_optimizer(o, {.average = 0.9, .bad = 0});
}

} // namespace

TEST_CASE("optimizers of the GPU: Adam") {
    check_optimizers(adam{});
    check_optimizers(adam{{.beta1 = 0.8, .beta2 = 0.99, .epsilon = 1e-6, .weight_decay = 0.1}});
}
TEST_CASE("optimizers of the GPU: AdamW") { check_optimizers(adamw{{.weight_decay = 0.2}}); }
TEST_CASE("optimizers of the GPU: gradient descent with momentum") {
    check_optimizers(sgd{{.weight_decay = 0.05}});
    check_optimizers(sgd{{.momentum = 0.8, .nesterov = true}});
}
TEST_CASE("optimizers of the GPU: Adafactor") {
    check_optimizers(adafactor{});
    check_optimizers(adafactor{{.weight_decay = 0.1}});
}

TEST_CASE("optimizers of the GPU: a loss that is not finite changes nothing") {
    weights w;
    w.fill_gradients();
    const auto before = w.values;
    any_optimizer o = adam{};
    o.prepare(w.of);
    host_device device;
    device_optimizer<host_device> on_device(device, w.of);
    on_device.upload(o.states(), nullptr);
    on_device.begin_step();
    device.wait();
    on_device.state()->loss = std::nan("");
    on_device.upload({.how = *o.rule()});
    on_device.step(*o.rule(), w.values.data(), w.gradients.data());
    CHECK_FALSE(on_device.report().taken);
    CHECK(w.values == before);
}
