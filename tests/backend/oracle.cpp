// Every operation of the library, forward and backward, against matrix products by Eigen in float64: on the reference
// backend in float64 and float32, and on the cpu backend.
#include "support/against_oracle.hpp"
#include "support/convolution_case.hpp"
#include "support/isa.hpp"

using namespace fovea;
using fovea_test::oracle::check_against_oracle;
using fovea_test::oracle::pixel_grid;
using fovea_test::oracle::tape;

namespace {

template <int In, int Out, int Kernel, conv_options O = conv_options{}> void check_convolution() {
    constexpr int radius = Kernel / 2 * O.dilation, padding = O.padding == same_padding ? radius : O.padding;
    check_against_oracle<conv<In, Out, Kernel, identity, O>>([](tape& t, int x) {
        return t.convolution(x, {.window = {Kernel, O.stride, O.dilation, radius - padding},
                                 .groups = O.groups,
                                 .bias = O.bias,
                                 .weight_norm = O.weight_norm});
    });
}

} // namespace

TEST_CASE("convolutions") {
    FOVEA_NEEDS_ISA();
    check_convolution<3, 16, 3>();
    check_convolution<17, 5, 1>();
    check_convolution<5, 20, 5, conv_options{.bias = false}>();
    check_convolution<3, 4, 7>();
    check_convolution<6, 10, 3, conv_options{.stride = 2}>();
    check_convolution<3, 18, 5, conv_options{.stride = 3}>();
    check_convolution<18, 5, 1, conv_options{.stride = 2}>();
    check_convolution<16, 9, 3, conv_options{.dilation = 2}>();
    check_convolution<8, 12, 3, conv_options{.groups = 2}>();
    check_convolution<12, 18, 3, conv_options{.stride = 2, .groups = 3}>();
    check_convolution<4, 20, 3, conv_options{.weight_norm = true}>();
}

TEST_CASE("convolutions with less padding") {
    FOVEA_NEEDS_ISA();
    check_convolution<3, 20, 3, conv_options{.stride = 2, .padding = 0}>();
    check_convolution<3, 16, 11, conv_options{.stride = 4, .padding = 2}>();
    check_convolution<16, 18, 3, conv_options{.padding = 0}>();
    check_convolution<5, 8, 5, conv_options{.dilation = 2, .padding = 1}>();
    check_convolution<6, 4, 5, conv_options{.groups = 2, .padding = 1}>();
}

TEST_CASE("depthwise convolutions") {
    FOVEA_NEEDS_ISA();
    check_convolution<16, 16, 5, conv_options{.groups = 16}>();
    check_convolution<19, 19, 5, conv_options{.dilation = 3, .groups = 19}>();
    check_convolution<6, 6, 3, conv_options{.stride = 2, .groups = 6}>();
    check_convolution<16, 16, 5, conv_options{.groups = 16, .padding = 1}>();
}

TEST_CASE("activations, alone and in the convolution before them") {
    FOVEA_NEEDS_ISA();
    const auto with = [](activation_kind kind, double slope = 0) {
        return [=](tape& t, int x) {
            x = t.activation(x, kind, slope);
            return t.activation(t.convolution(x, {.window = {3}}), kind, slope);
        };
    };
    using enum activation_kind;
    check_against_oracle<fovea::relu, conv<5, 17, 3, fovea::relu>>(with(relu));
    check_against_oracle<fovea::leaky_relu<1, 10>, conv<5, 17, 3, fovea::leaky_relu<1, 10>>>(
        with(leaky_relu, double(0.1f)));
    check_against_oracle<fovea::silu, conv<5, 17, 3, fovea::silu>>(with(silu), {.smooth = true});
    check_against_oracle<fovea::gelu, conv<5, 17, 3, fovea::gelu>>(with(gelu), {.smooth = true});
    check_against_oracle<fovea::unit_range, conv<5, 17, 3, fovea::unit_range>>(with(unit_range));
    check_against_oracle<fovea::prelu<17>>([](tape& t, int x) { return t.prelu(x); });
}

TEST_CASE("normalisations") {
    FOVEA_NEEDS_ISA();
    check_against_oracle<layer_norm<48>>([](tape& t, int x) { return t.layer_norm(x); });
    check_against_oracle<layer_norm<17>, conv<17, 5, 1>>(
        [](tape& t, int x) { return t.convolution(t.layer_norm(x), {}); });
    for (bool batch : {true, false}) {
        const auto one = [](tape& t, int x) { return t.batch_norm(x); };
        check_against_oracle<batch_norm<20>>(one, {.batch_statistics = batch});
        check_against_oracle<conv<3, 33, 3, identity, conv_options{.bias = false}>, batch_norm<33>, silu>(
            [](tape& t, int x) {
                x = t.batch_norm(t.convolution(x, {.window = {3}, .bias = false}));
                return t.activation(x, activation_kind::silu);
            },
            {.smooth = true, .batch_statistics = batch});
    }
}

TEST_CASE("sums, products, channels side by side") {
    FOVEA_NEEDS_ISA();
    check_against_oracle<sum<named<"a", conv<5, 16, 3>>, named<"b", conv<5, 16, 1>>>>([](tape& t, int x) {
        const int a = t.convolution(x, {.window = {3}});
        return t.add(a, t.convolution(x, {}));
    });
    check_against_oracle<product<pass, depthwise<16, 3>>>(
        [](tape& t, int x) { return t.multiply(x, t.convolution(x, {.window = {3}, .groups = 16})); });
    check_against_oracle<concat<pass, conv<3, 20, 3>>>(
        [](tape& t, int x) { return t.concatenate(x, t.convolution(x, {.window = {3}})); });
    check_against_oracle<residual<conv<7, 24, 3, silu>, conv<24, 7, 3>>>(
        [](tape& t, int x) {
            const int hidden = t.activation(t.convolution(x, {.window = {3}}), activation_kind::silu);
            return t.add(t.convolution(hidden, {.window = {3}}), x);
        },
        {.smooth = true});
}

TEST_CASE("pixel shuffle and magnification") {
    FOVEA_NEEDS_ISA();
    check_against_oracle<pass, conv<3, 12, 1>, pixel_shuffle<2>>(
        [](tape& t, int x) { return t.pixel_shuffle(t.convolution(x, {}), 2); });
    check_against_oracle<conv<3, 45, 1>, pixel_shuffle<3>>(
        [](tape& t, int x) { return t.pixel_shuffle(t.convolution(x, {}), 3); });
    const auto enlarged = [](int factor, interpolation filter) {
        return [=](tape& t, int x) { return t.upsample(t.convolution(x, {}), factor, filter); };
    };
    check_against_oracle<conv<3, 5, 1>, upsample<2, nearest>>(enlarged(2, interpolation::nearest));
    check_against_oracle<conv<3, 17, 1>, upsample<3, bilinear>>(enlarged(3, interpolation::bilinear));
    check_against_oracle<conv<3, 5, 1>, upsample<2, bicubic>>(enlarged(2, interpolation::bicubic));
    check_against_oracle<conv<3, 3, 1>, upsample<4, bicubic>>(enlarged(4, interpolation::bicubic));
    check_against_oracle<sum<sequential<conv<3, 12, 3>, pixel_shuffle<2>>, upsample<2, bicubic>>>([](tape& t, int x) {
        const int y = t.pixel_shuffle(t.convolution(x, {.window = {3}}), 2);
        return t.add(y, t.upsample(x, 2, interpolation::bicubic));
    });
}

namespace {

template <int Kernel, int Stride, pool_options O = pool_options{}> void check_pool() {
    check_against_oracle<max_pool<Kernel, Stride, O>, conv<16, 4, 1>>([](tape& t, int x) {
        constexpr int padding = O.padding == same_padding ? Kernel / 2 : O.padding;
        const auto outputs = [](int size) { // as frameworks count windows
            if (O.padding == same_padding) return (size - 1) / Stride + 1;
            return (size + 2 * padding - Kernel + (O.covers ? Stride - 1 : 0)) / Stride + 1;
        };
        const pixel_grid in = t[x].grid;
        x = t.max_pool(x, {Kernel, Stride, 1, Kernel / 2 - padding}, outputs(in.height), outputs(in.width));
        return t.convolution(x, {});
    });
}

} // namespace

TEST_CASE("pooling and the matrix behind it") {
    FOVEA_NEEDS_ISA();
    check_pool<3, 2>();
    check_pool<5, 3>();
    check_pool<3, 1>();
    check_pool<2, 2, pool_options{.padding = 0}>();
    check_pool<3, 2, pool_options{.padding = 0, .covers = true}>();
    check_against_oracle<conv<3, 20, 1>, global_average_pool, linear<20, 3>>(
        [](tape& t, int x) { return t.convolution(t.average(t.convolution(x, {})), {}); });
}

TEST_CASE("VapSR's attention block, whole and as its parts") {
    FOVEA_NEEDS_ISA();
    const auto block = [](int kernel, int hidden) {
        return [=](tape& t, int x) {
            const int a = t.activation(t.convolution(x, {.window = {kernel}}), activation_kind::gelu);
            int y = t.convolution(a, {});
            y = t.convolution(y, {.window = {5}, .groups = hidden});
            y = t.convolution(y, {.window = {5, 1, 3}, .groups = hidden});
            return t.layer_norm(t.add(t.convolution(t.multiply(a, y), {}), x));
        };
    };
    check_against_oracle<zoo::vapsr_block<16, 24, 1>>(block(1, 24), {.smooth = true});
    check_against_oracle<zoo::vapsr_block<20, 17, 3>>(block(3, 17), {.smooth = true});
    check_against_oracle<zoo::vapsr_block<32, 64, 1>>(block(1, 64), {.smooth = true});
}

// Both in float64: some units of 2^-53 for each of at most a thousand terms below one.
TEST_CASE("the plain loops that kernels are measured against") {
    using namespace fovea_test;
    const auto same_numbers = [](const std::vector<double>& is, const oracle::matrix& expected) {
        return distance(is, std::span(expected.data(), std::size_t(expected.size()))) < 1e-12;
    };
    const auto matrix_of = [](const float_tensor& t) { return oracle::matrix_of(t.view()); };
    for (const convolution_setting& s :
         {convolution_setting{.inputs = 5, .outputs = 7, .kernel = 3, .skip = true},
          {.inputs = 6, .outputs = 4, .kernel = 5, .stride = 2, .groups = 2, .activation = activation_kind::silu},
          {.inputs = 9, .outputs = 9, .kernel = 3, .dilation = 3, .groups = 9, .activation = activation_kind::gelu},
          {.inputs = 4, .outputs = 3, .kernel = 5, .activation = activation_kind::leaky_relu, .offset = 1}}) {
        const convolution_case c(s, 2, 13, 9, 1);
        INFO(c.text());
        tape t({Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>(
                    c.w.data(), s.outputs, s.terms())
                    .cast<double>(),
                Eigen::Map<const Eigen::VectorXf>(c.bias.data(), s.outputs).cast<double>()},
               {});
        int y = t.convolution(t.input({2, 13, 9}, matrix_of(c.x)),
                              {.window = {s.kernel, s.stride, s.dilation, s.offset}, .groups = s.groups});
        if (s.activation != activation_kind::identity) y = t.activation(y, s.activation, double(0.2f));
        if (s.skip) y = t.add(y, t.input({2, c.height, c.width}, matrix_of(c.skip)));
        CHECK(same_numbers(c.by_loops(), t[y].y));
    }
    const float_tensor x = signed_tensor(2, 7, 5, 6, 1);
    for (auto filter : {interpolation::nearest, interpolation::bilinear, interpolation::bicubic})
        for (int factor : {1, 2, 3, 8}) {
            INFO("filter " << int(filter) << ", factor " << factor);
            tape t({}, {});
            const int y = t.upsample(t.input({2, 7, 5}, matrix_of(x)), factor, filter);
            CHECK(same_numbers(reference_upsample(x, factor, filter, nullptr), t[y].y));
        }
    const auto gamma = random_floats(6, 2), beta = random_floats(6, 3);
    tape t({Eigen::Map<const Eigen::VectorXf>(gamma.data(), 6).cast<double>(),
            Eigen::Map<const Eigen::VectorXf>(beta.data(), 6).cast<double>()},
           {});
    const int y = t.layer_norm(t.input({2, 7, 5}, matrix_of(x)));
    std::vector<double> normalised(x.data(), x.data() + x.size());
    reference_layer_norm(normalised, 6, gamma.data(), beta.data(), double(1e-5f));
    CHECK(same_numbers(normalised, t[y].y));
}
