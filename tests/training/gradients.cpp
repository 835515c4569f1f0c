// Gradients of every layer and composition against finite differences, in float64 on the reference backend.
#include "fovea/fovea.hpp"
#include "support/catch.hpp"
#include "support/mish.hpp"

using namespace fovea;
using fovea_test::mish;

namespace {

using oracle = basic_reference<double>;

struct numbers {
    random_stream random{11};
    void fill(double* to, std::size_t n, double deviation = 1) {
        for (std::size_t i = 0; i < n; ++i) to[i] = deviation * double(random.normal());
    }
};

// sum over all numbers of y times r
double weighed(tensor_view<const double> y, const tensor<double>& r) {
    double sum = 0;
    for (int n = 0; n < y.batch(); ++n)
        for (int h = 0; h < y.height(); ++h)
            for (int i = 0; i < y.width() * y.channels(); ++i) sum += y.at(n, h, 0)[i] * r.at(n, h, 0)[i];
    return sum;
}

// d(weighed output) / d(each number of x and of every parameter), for a batch of two.
template <class Network> void check(int height, int width, trainable_options o = {}) {
    INFO(width << "x" << height);
    o.input_gradient = true;
    trainable<Network, oracle> net(o);
    numbers values;
    for (auto& p : net.parameters()) values.fill(p.value, p.size(), 0.5);
    tensor<double> x(2, height, width, Network::in_channels);
    values.fill(x.data(), x.size());
    const auto y = net.forward(x.view());
    tensor<double> r(y.batch(), y.height(), y.width(), y.channels());
    values.fill(r.data(), r.size());
    const auto dy = net.output_gradient();
    for (int n = 0; n < y.batch(); ++n)
        for (int h = 0; h < y.height(); ++h) std::copy_n(r.at(n, h, 0), y.width() * y.channels(), dy.at(n, h, 0));
    net.backward();

    // Central differences: error about step^2 times a third derivative, and 1e-16 / step; values are near 10.
    constexpr double step = 1e-5, tolerance = 2e-6;
    const auto differs = [&](double& number, double gradient) {
        const double before = number;
        double loss[2];
        for (int side = 0; side < 2; ++side) {
            number = before + (side ? step : -step);
            net.weights_changed();
            loss[side] = weighed(net.forward(x.view(), true), r);
        }
        number = before;
        const double expected = (loss[1] - loss[0]) / (2 * step);
        return !(std::abs(gradient - expected) <= tolerance * std::max({1., std::abs(expected), std::abs(gradient)}));
    };
    tensor<double> dx(2, height, width, Network::in_channels);
    const auto dx_view = net.input_gradient();
    for (int n = 0; n < 2; ++n)
        for (int h = 0; h < height; ++h) std::copy_n(dx_view.at(n, h, 0), width * dx.channels(), dx.at(n, h, 0));
    std::vector<std::vector<double>> gradients;
    for (auto& p : net.parameters()) gradients.emplace_back(p.gradient, p.gradient + p.size());

    int wrong = 0;
    for (std::size_t i = 0; i < x.size(); i += 1 + x.size() / 40) wrong += differs(x.data()[i], dx.data()[i]);
    CHECK(wrong == 0); // of the input's gradients
    for (std::size_t k = 0; k < gradients.size(); ++k) {
        auto& p = net.parameters()[k];
        INFO(p.name);
        wrong = 0;
        for (std::size_t i = 0; i < p.size(); i += 1 + p.size() / 20) wrong += differs(p.value[i], gradients[k][i]);
        CHECK(wrong == 0);
    }
}

template <class... Layers> void check_layers() {
    using net = sequential<Layers...>;
    const int more = smallest_side(shapes_of<net>()) - 1;
    for (auto [height, width] : {std::pair{1, 1}, {5, 3}, {6, 9}}) check<net>(height + more, width + more);
}

} // namespace

TEST_CASE("gradients: convolutions") {
    check_layers<conv<3, 4, 3>>();
    check_layers<conv<3, 4, 5, identity, conv_options{.bias = false}>>();
    check_layers<conv<2, 5, 1, silu>>();
    check_layers<conv<4, 6, 3, identity, conv_options{.stride = 2}>>();
    check_layers<conv<3, 2, 7, identity, conv_options{.stride = 2}>>();
    check_layers<conv<3, 4, 1, identity, conv_options{.stride = 2}>>();
    check_layers<conv<3, 4, 3, identity, conv_options{.dilation = 2}>>();
    check_layers<conv<4, 6, 3, identity, conv_options{.groups = 2}>>();
    check_layers<conv<3, 4, 3, identity, conv_options{.stride = 2, .padding = 0}>>();
    check_layers<conv<4, 2, 5, identity, conv_options{.groups = 2, .padding = 1}>>();
    check_layers<conv<3, 4, 7, identity, conv_options{.stride = 3, .padding = 1}>>();
    check_layers<conv<4, 4, 3, identity, conv_options{.dilation = 2, .groups = 4, .padding = 0}>>();
    check_layers<depthwise<4, 5>>();
    check_layers<depthwise<3, 5, gelu, 3>>();
}
TEST_CASE("gradients: weight normalisation") {
    check_layers<weight_norm<conv<3, 4, 3>>>();
    check_layers<weight_norm<conv<3, 4, 3, silu>>, weight_norm<conv<4, 3, 3>>>();
}
TEST_CASE("gradients: activations") {
    check_layers<conv<2, 3, 1>, relu, leaky_relu<1, 10>>();
    check_layers<conv<2, 3, 1>, silu, gelu>();
    check_layers<conv<2, 3, 1>, mish, prelu<3>>();
    check_layers<unit_range, conv<2, 3, 1>>();
}
TEST_CASE("gradients: normalisations") {
    check_layers<conv<2, 5, 1>, layer_norm<5>>();
    check_layers<conv<2, 3, 1>, layer_norm<3>, conv<3, 2, 3>>();
    for (bool batch : {true, false}) {
        check<sequential<batch_norm<3>>>(4, 5, {.batch_statistics = batch});
        check<sequential<conv<2, 3, 1>, batch_norm<3>, silu, conv<3, 2, 3>>>(4, 5, {.batch_statistics = batch});
    }
}
TEST_CASE("gradients: layers of more channels than a share of the work") {
    check<sequential<conv<2, 130, 1>, batch_norm<130>, conv<130, 1, 1>>>(3, 2);
    check<sequential<conv<2, 130, 1>, layer_norm<130>, conv<130, 1, 1>>>(3, 2);
    check<sequential<conv<2, 130, 1>, prelu<130>, conv<130, 1, 1>>>(3, 2);
    check<sequential<conv<2, 130, 3>, depthwise<130, 3>, conv<130, 1, 1>>>(3, 2);
}
TEST_CASE("gradients: other sizes") {
    check_layers<conv<2, 8, 1>, pixel_shuffle<2>>();
    check_layers<conv<2, 3, 1>, upsample<2, bicubic>>();
    check_layers<conv<2, 3, 1>, upsample<3, bilinear>>();
    check_layers<conv<2, 3, 1>, upsample<2, nearest>>();
    check_layers<conv<2, 3, 1>, max_pool<3, 2>>();
    check_layers<conv<2, 3, 1>, max_pool<3, 1>>();
    check_layers<conv<2, 3, 1>, max_pool<3, 2, pool_options{.padding = 0}>>();
    check_layers<conv<2, 3, 1>, max_pool<3, 2, pool_options{.padding = 0, .covers = true}>>();
    check_layers<conv<2, 3, 1>, max_pool<2, 2, pool_options{.padding = 0}>>();
    check_layers<conv<2, 3, 1>, max_pool<5, 3, pool_options{.padding = 1, .covers = true}>>();
    check_layers<conv<2, 3, 1>, global_average_pool, linear<3, 2>>();
}
TEST_CASE("gradients: compositions") {
    check_layers<residual<conv<3, 4, 3, silu>, conv<4, 3, 3>>>();
    check_layers<residual<conv<3, 3, 3>>>(); // reads and adds the same value
    check_layers<residual<conv<3, 3, 3, gelu>>, residual<conv<3, 3, 1>>>();
    check_layers<sum<conv<3, 4, 3>, conv<3, 4, 1>>>();
    check_layers<conv<2, 3, 1>, sum<pass, pass>>();
    check_layers<conv<2, 3, 1>, product<pass, pass>>();
    check_layers<conv<2, 3, 1>, product<pass, conv<3, 3, 3>>>();
    check_layers<conv<2, 3, 1>, sum<silu, sum<pass, product<silu, pass>>>>();
    check_layers<repeat<3, residual<conv<3, 3, 3, silu>>>>();
    check_layers<concat<conv<3, 4, 3>, conv<3, 2, 1>>, conv<6, 2, 1>>();
    check_layers<conv<3, 2, 1>, concat<pass, concat<silu, pass>>>();
}
TEST_CASE("gradients: checkpointed blocks") {
    using block = residual<conv<3, 4, 3, silu>, conv<4, 3, 3>>;
    check_layers<repeat<3, checkpointed<block>>>();
    check_layers<checkpointed<sequential<repeat<2, block>, batch_norm<3>, silu>>, conv<3, 3, 1>>();
}
TEST_CASE("gradients: networks") {
    check<zoo::supercool<2, 4, 2, 2>>(5, 6);
    check<zoo::supercool<4, 4, 1, 1, bilinear>>(4, 3);
    check<zoo::vapsr_network<2, 4, 6, 2>>(5, 6);
    check<zoo::vapsr_network<4, 4, 6, 1, 3, 2>>(4, 4);
    check<sequential<zoo::bottleneck<4, 3, 4>, zoo::bottleneck<4, 2, 6, 2>>>(7, 6);
}
TEST_CASE("gradients are added to") {
    trainable<conv<2, 3, 3>, oracle> net;
    tensor<double> x(1, 4, 4, 2);
    numbers().fill(x.data(), x.size());
    const auto step = [&] {
        net.forward(x.view());
        const auto dy = net.output_gradient();
        for (int h = 0; h < 4; ++h) std::fill_n(dy.at(0, h, 0), 4 * 3, 1.);
        net.backward();
    };
    step();
    std::vector<double> once(net.parameters()[0].gradient, net.parameters()[0].gradient + 54);
    step();
    for (std::size_t i = 0; i < once.size(); ++i) CHECK(net.parameters()[0].gradient[i] == 2 * once[i]);
    net.clear_gradients();
    CHECK(net.parameters()[0].gradient[0] == 0);
}
TEST_CASE("gradients of several outputs add up") {
    using first = sequential<conv<2, 3, 3>, silu>;
    using net_type = sequential<first, concat<pass, conv<3, 2, 3>>, relu, conv<5, 1, 1>>;
    trainable<net_type, oracle> net({.seed = 5});
    tensor<double> x(2, 5, 4, 2);
    numbers().fill(x.data(), x.size());
    std::vector<int> outputs;
    for (const char* name : {"0", "1", "2"}) outputs.push_back(result_of(net.traced(), name));
    CHECK(result_of(net.traced(), "3.0") == -1);
    auto frozen = net.frozen({.outputs = outputs});
    outputs.push_back(int(net.traced().tensors.size()) - 1);
    const auto view_of = [&](int t) {
        return t == outputs.back() ? frozen.output_gradient() : frozen.output_gradient(t);
    };
    const auto gradient_of = [&](const std::vector<int>& seeded) {
        frozen.forward(x.view());
        for (int t : seeded) {
            const auto dy = view_of(t);
            for (int n = 0; n < 2; ++n)
                for (int h = 0; h < 5; ++h)
                    for (int i = 0; i < 4 * dy.channels(); ++i) dy.at(n, h, 0)[i] += std::cos(i + 3 * h + t);
        }
        const auto dx = frozen.backward();
        return std::vector<double>(dx.at(1, 2, 0), dx.at(1, 2, 3) + 2);
    };
    const auto all = gradient_of(outputs);
    std::vector<double> sum(all.size());
    for (int t : outputs) {
        const auto one = gradient_of({t});
        for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += one[i];
        CHECK(one[0] != 0);
    }
    for (std::size_t i = 0; i < sum.size(); ++i) CHECK(all[i] == Approx(sum[i])); // float64
    frozen.forward(x.view());
    trainable<first, oracle> part({.seed = 5});
    const auto y = part.forward(x.view()), tapped = frozen.output(outputs[0]);
    CHECK(tapped.at(1, 3, 2)[1] == y.at(1, 3, 2)[1]);
}
TEST_CASE("a frozen network passes gradients on and changes nothing") {
    using net_type = sequential<conv<2, 3, 3, silu>, batch_norm<3>, conv<3, 1, 1>>;
    trainable<net_type, oracle> net({.seed = 5, .input_gradient = true});
    tensor<double> x(2, 5, 4, 2), dx(2, 5, 4, 2);
    numbers().fill(x.data(), x.size());
    auto frozen = net.frozen();
    const auto y = frozen.forward(x.view());
    const auto fill = [](tensor_view<double> dy) {
        for (int n = 0; n < 2; ++n)
            for (int h = 0; h < dy.height(); ++h)
                for (int w = 0; w < dy.width(); ++w) *dy.at(n, h, w) = 1 + h - 0.3 * w * n;
    };
    const auto before = net.buffers()[0].value[0];
    fill(frozen.output_gradient());
    const auto passed = frozen.backward();
    for (auto& p : net.parameters())
        for (std::size_t i = 0; i < p.size(); ++i) CHECK(p.gradient[i] == 0);
    CHECK(net.buffers()[0].value[0] == before);
    const auto own = net.forward(x.view());
    CHECK(own.at(1, 2, 1)[0] == y.at(1, 2, 1)[0]);
    CHECK(net.buffers()[0].value[0] != before);
    fill(net.output_gradient());
    net.backward();
    for (int n = 0; n < 2; ++n)
        for (int h = 0; h < 5; ++h)
            for (int i = 0; i < 8; ++i) CHECK(passed.at(n, h, 0)[i] == net.input_gradient().at(n, h, 0)[i]);
}

namespace {

struct with_unread : maps<3, 3> { // what "unread" gives goes nowhere
    template <class T, ratio S> static constexpr value<3, S> trace(T& t, value<3, S> x) {
        fovea::apply<conv<3, 4, 3, silu>>(t, "unread", x);
        return fovea::apply<conv<3, 3, 3>>(t, "read", x);
    }
};

template <class Network> std::size_t bytes_of_step(bool frozen = false) {
    trainable<Network, oracle> net;
    tensor<double> x(1, 24, 24, 3);
    if (frozen) {
        auto pass = net.frozen({.input_gradient = false});
        pass.forward(x.view());
        return pass.bytes();
    }
    net.forward(x.view());
    return net.bytes();
}

} // namespace

TEST_CASE("gradients: a result that nobody reads has none") { check<with_unread>(4, 5); }

TEST_CASE("what is computed again or never read is not kept") {
    using block = residual<conv<3, 12, 3, silu>, conv<12, 3, 3>>;
    using plain = repeat<6, block>;
    constexpr std::size_t image = 24 * 24 * sizeof(double);
    // Of a block the hidden layer (12) before SiLU and what comes out (3): 90 numbers of a pixel in 6 blocks. With SiLU
    // kept as well there would be 72 more.
    CHECK(bytes_of_step<plain>() > 90 * image);
    CHECK(bytes_of_step<plain>() < 150 * image);
    CHECK(bytes_of_step<repeat<6, checkpointed<block>>>() < 90 * image);
    CHECK(bytes_of_step<plain>(true) < 60 * image);
}

TEST_CASE("random initial weights: Kaiming's deviation, a tenth where a branch starts small") {
    using net = sequential<named<"a", conv<8, 40, 3>>, named<"b", starts_small<weight_norm<conv<40, 40, 3>>>>>;
    trainable<net, oracle> one({.seed = 3}), two({.seed = 3, .gain = 2}), other({.seed = 4});
    const auto deviation = [](auto& from, const std::string& name) {
        for (auto& p : from.parameters())
            if (p.name == name) {
                double square = 0;
                for (double v : p.values()) square += v * v;
                return std::sqrt(square / double(p.size()));
            }
        return -1.;
    };
    // 2880 normal numbers: their deviation is known to 1.3 %, and five times that is allowed.
    CHECK(deviation(one, "a.weight") == Approx(std::sqrt(2. / 72)).epsilon(0.07));
    CHECK(deviation(one, "b.weight_v") == Approx(0.1 * std::sqrt(2. / 360)).epsilon(0.07));
    CHECK(deviation(two, "a.weight") == Approx(2 * deviation(one, "a.weight")).epsilon(1e-12));
    CHECK(deviation(one, "b.weight_g") == Approx(0.1 * std::sqrt(2.)).epsilon(0.07)); // the norm of a row of 360
    CHECK(deviation(one, "a.bias") == 0);
    CHECK(deviation(other, "a.weight") != deviation(one, "a.weight"));
}
