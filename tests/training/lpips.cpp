// LPIPS with its published weights against an independent framework (vectors/make_lpips.py), and its gradient against
// finite differences.
#include "fovea/zoo/lpips_loss.hpp"

#include "fovea/backend/cpu/cpu.hpp"
#include "fovea/io/weights/read_weights.hpp"
#include "fovea/loss/weighted_sum.hpp"
#include "fovea/zoo/lpips.hpp"
#include "metrics/pictures.hpp"
#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/lpips.hpp"
#include "support/random_weights.hpp"
#include "vectors/lpips.hpp"

using namespace fovea;
using fovea_test::linear_of;

namespace {

tensor<float> unit_tensor(const image& in) { // (1,H,W,3) in [0,1]
    tensor<float> x(1, in.height(), in.width(), 3);
    for (int h = 0; h < in.height(); ++h)
        for (std::size_t i = 0; i < std::size_t(3 * in.width()); ++i)
            x.at(0, h, 0)[i] = float(in.row<std::uint8_t>(h)[i]) / 255;
    return x;
}

using oracle = basic_reference<double>;

void check_gradient(std::initializer_list<int> channels, int height, int width) {
    auto network = detail::lpips_network_for<oracle>(linear_of(channels));
    detail::lpips_distance<double> distance(std::move(network), {.range = {-1, 1}});
    random_stream random(9);
    tensor<double> y(2, height, width, 3), t(2, height, width, 3), dy(2, height, width, 3);
    for (auto* x : {&y, &t})
        for (std::size_t i = 0; i < x->size(); ++i) x->data()[i] = 2 * double(random.uniform()) - 1;
    const auto into = dy.view();
    std::fill_n(dy.data(), dy.size(), 0.25);
    const double value = distance(y.view(), t.view(), &into, 3.);
    CHECK(value > 0.01);
    int wrong = 0;
    for (std::size_t i = 0; i < y.size(); i += y.size() / 24) {
        // Error about step^2 times a third derivative and 1e-16 / step; ReLUs and pools have kinks that few steps meet.
        constexpr double step = 1e-6;
        const double before = y.data()[i];
        double side[2];
        for (int s = 0; s < 2; ++s) {
            y.data()[i] = before + (s ? step : -step);
            side[s] = distance(y.view(), t.view(), nullptr, 1.);
        }
        y.data()[i] = before;
        const double expected = 0.25 + 3 * (side[1] - side[0]) / (2 * step);
        wrong += !(std::abs(dy.data()[i] - expected) <= 1e-5 * std::max(1e-2, std::abs(expected - 0.25)));
    }
    CHECK(wrong == 0);
    CHECK(distance(y.view(), y.view(), nullptr, 1.) == 0);
}

} // namespace

TEST_CASE("LPIPS and its gradient agree with an independent framework") {
    FOVEA_NEEDS_DATA(weights, "weights/lpips_v0.1/squeeze.pth");
    FOVEA_NEEDS_DATA(features, "weights/lpips_squeeze_backbone/squeeze.backbone.pth");
    const tensor_file backbone = read_tensor_file(features), linear = read_tensor_file(weights);
    context threads({.threads = 2});
    const lpips_loss<cpu> loss(backbone, linear, {.threads = &threads});
    lpips<cpu> metric(backbone, linear);
    for (const lpips_vector& v : lpips_vectors) {
        CAPTURE(v.height, v.width);
        const auto [a, b] = pair_of(v.height, v.width);
        const tensor<float> t = unit_tensor(a), y = unit_tensor(b);
        tensor<float> dy(1, v.height, v.width, 3);
        // float32 through 26 convolutions: some 1e-6 of features that are divided by their length.
        CHECK(loss(y.view(), t.view(), dy.view(), 2.) == Approx(v.value).epsilon(1e-4));
        CHECK(metric(b, a) == Approx(v.value).epsilon(1e-4));
        double square = 0;
        for (std::size_t i = 0; i < dy.size(); ++i) square += double(dy.data()[i]) * double(dy.data()[i]) / 4;
        const double norm = std::sqrt(square);
        CHECK(norm == Approx(v.gradient_norm).epsilon(1e-3));
        for (std::size_t i = 0; i < 8; ++i) // a pool may choose another of two pixels that are nearly equal
            CHECK(double(dy.data()[dy.size() * i / 8]) / 2 == Approx(v.gradient[i]).margin(1e-3 * norm).epsilon(1e-3));
    }
    const image small(16, 40, 3);
    CHECK_THROWS_WITH(metric(small, small), Catch::Contains("at least 17"));
    CHECK(metric(image(20, 20, 3), image(20, 20, 3)) == 0);
}

TEST_CASE("gradients of LPIPS on each backbone") {
    check_gradient({64, 128, 256, 384, 384, 512, 512}, 19, 22);
#if !FOVEA_SANITIZED // the same code, of larger layers
    check_gradient({64, 192, 384, 256, 256}, 31, 33);
#endif
}

TEST_CASE("LPIPS is a loss like others, and takes the backbone out of a whole classifier") {
    STATIC_REQUIRE(pixel_loss<lpips_loss<cpu>>);
    const auto plain = fovea_test::random_weights<zoo::squeezenet_features>();
    tensor_file classifier;
    for (const stored_tensor& t : plain.tensors()) {
        stored_tensor copy = t;
        copy.name = "features." + t.name;
        classifier.add(std::move(copy));
    }
    classifier.add(tensor_of("classifier.1.bias", {2}, std::vector<float>{1, 2}));
    const tensor_file linear = linear_of({64, 128, 256, 384, 384, 512, 512});
    const lpips_loss<cpu> loss(plain, linear), same(classifier, linear);
    const auto y = fovea_test::random_tensor(2, 20, 19, 3, 1), t = fovea_test::random_tensor(2, 20, 19, 3, 2);
    tensor<float> dy(2, 20, 19, 3), both(2, 20, 19, 3);
    const double value = loss(y.view(), t.view(), dy.view());
    CHECK(value > 0);
    CHECK(weighted_sum{same, 0.5, l2_loss{}, 0.}(y.view(), t.view(), both.view()) == value / 2);
    for (std::size_t i = 0; i < dy.size(); ++i) CHECK(both.data()[i] == Approx(dy.data()[i] / 2));
    CHECK_THROWS_WITH(lpips_loss<cpu>(plain, linear_of({64, 128})), Catch::Contains("linear.pth: expected the linear"));
    CHECK_THROWS_WITH(lpips_loss<cpu>(linear, linear), Catch::Contains("missing 0.weight"));
}
