// The 8-bit convolution of every instruction set against plain integers: the same bits.
#include "support/convolution_case.hpp"

using namespace fovea_test;

namespace {

constexpr fovea::quantisation saturating{.step = 0.0079f, .zero = 117}; // numbers of [-1, 1) do, on both sides

struct integers {
    std::vector<int> q; // (O,I,K,K)
    std::vector<float> scale;
};
// The errors of a filter's taps are passed on from each to the next.
integers quantised_weights(const std::vector<float>& w, int outputs, std::size_t taps, float input_step) {
    integers all;
    const std::size_t each = w.size() / std::size_t(outputs);
    for (std::size_t o = 0; o < std::size_t(outputs); ++o) {
        float most = 0;
        for (std::size_t i = 0; i < each; ++i) most = std::max(most, std::fabs(w[o * each + i]));
        double carried = 0;
        for (std::size_t i = 0; i < each; ++i) {
            if (i % taps == 0) carried = 0;
            const double exact = most > 0 ? 127 * (double(w[o * each + i]) / double(most)) + carried : 0;
            all.q.push_back(int(std::nearbyint(std::min(std::max(exact, -127.), 127.))));
            carried = exact - all.q.back();
        }
        all.scale.push_back(most * (input_step / 127));
    }
    return all;
}

float_tensor quantised_input(const float_tensor& x, fovea::quantisation by) {
    float_tensor u = copy_of(x.view());
    for (std::size_t i = 0; i < u.size(); ++i) {
        const double t = double(u.data()[i] * (1 / by.step)) + by.zero;
        u.data()[i] = float(std::nearbyint(std::min(std::max(t, 0.), 255.)));
    }
    return u;
}

// Exact for activations that are at most one product.
std::vector<float> expected_in_int8(const convolution_case& c) {
    const convolution_setting& s = c.s;
    const integers weights = quantised_weights(c.w, s.outputs, std::size_t(s.kernel * s.kernel), s.input.step);
    const float_tensor quantised = quantised_input(c.x, s.input);
    const auto u = quantised.view();
    const int K = s.kernel, half = K / 2;
    std::vector<float> y;
    for (int n = 0; n < u.batch(); ++n)
        for (int i = 0; i < c.height; ++i)
            for (int j = 0; j < c.width; ++j)
                for (int o = 0; o < s.outputs; ++o) {
                    std::int64_t sum = 0;
                    for (int p = 0; p < K; ++p)
                        for (int q = 0; q < K; ++q)
                            for (int k = 0; k < s.inputs; ++k) {
                                const int row = i * s.stride + p - half, column = j * s.stride + q - half;
                                if (row < 0 || row >= u.height() || column < 0 || column >= u.width()) continue;
                                sum += std::int64_t(weights.q[std::size_t(((o * s.inputs + k) * K + p) * K + q)]) *
                                       (int(u.at(n, row, column)[k]) - s.input.zero);
                            }
                    float v = float(sum) * weights.scale[std::size_t(o)];
                    v += s.bias ? c.bias[std::size_t(o)] : 0.f;
                    v = float(reference_activation(s.activation, double(v), double(0.2f)));
                    y.push_back(s.skip ? v + c.skip.at(n, i, j)[o] : v);
                }
    return y;
}

void check_int8(convolution_setting s, int images, int height, int width) {
    s.input = saturating;
    const convolution_case c(s, images, height, width, 0.1f);
    const auto expected = expected_in_int8(c);
    // The smooth activations are approximated, within 1e-6 of numbers up to some units.
    const bool smooth = s.activation == activation_kind::silu || s.activation == activation_kind::gelu;
    for (const auto* kernels : all_int8_kernels()) {
        INFO(kernels->name << " " << c.text());
        CHECK(difference(c.by(int8_kernels(*kernels)), expected) <= (smooth ? 5e-6 : 0));
    }
}

} // namespace

TEST_CASE("8-bit convolution over odd shapes equals plain integers and does not depend on how it is cut") {
    for (auto [h, w] : {std::pair{1, 1}, {1, 7}, {5, 3}, {13, 19}})
        for (int inputs : {1, 3, 4, 6, 17, 64})
            for (int outputs : {1, 3, 12, 16, 17, 48, 64})
                for (auto [k, stride] : {std::pair{1, 1}, {3, 1}, {3, 2}})
                    check_int8({.inputs = inputs, .outputs = outputs, .kernel = k, .stride = stride}, 1, h, w);
    check_int8({.inputs = 6, .outputs = 33, .kernel = 5}, 2, 9, 37);
    check_int8({.inputs = 18, .outputs = 20, .kernel = 5, .stride = 2}, 1, 10, 33);
    check_int8({.inputs = 48, .outputs = 56, .kernel = 3}, 1, 6, 53);
    check_int8({.inputs = 17, .outputs = 128, .kernel = 1, .stride = 2}, 2, 7, 12);
}

TEST_CASE("8-bit convolution of more columns than a strip") {
    check_int8({.inputs = 256, .outputs = 5, .kernel = 5}, 1, 2, 400);
}

TEST_CASE("8-bit convolution with activations and a skip") {
    for (auto act : all_activations)
        for (bool skip : {false, true})
            for (bool bias : {false, true})
                check_int8({.inputs = 18, .outputs = 35, .kernel = 3, .activation = act, .bias = bias, .skip = skip}, 2,
                           6, 23);
}

TEST_CASE("the longest sums of the largest products do not overflow") {
    constexpr int inputs = fovea::max_int8_terms;
    for (const auto* kernels : all_int8_kernels())
        for (int zero : {0, 255}) // all bytes 255, and all bytes 0 with the largest offset
            for (float sign : {1.f, -1.f}) {
                INFO(kernels->name << " zero " << zero << " sign " << sign);
                const convolution_setting s{
                    .inputs = inputs, .outputs = 2, .kernel = 1, .input = {.step = 1, .zero = zero}};
                std::vector<float> w(2 * inputs, sign * 127);
                std::fill(w.begin() + inputs, w.end(), -sign * 127);
                const kernel_case k = convolution_kernel(int8_kernels(*kernels), s, w, nullptr);
                float_tensor x(1, 1, 1, inputs), y(1, 1, 1, 2);
                std::fill_n(x.data(), inputs, zero ? -255.f : 255.f);
                k.compute({&x}, y, {0, 1}, {0, 1});
                const float most = float(255. * 127 * inputs) * (zero ? -sign : sign);
                CHECK(y.data()[0] == most);
                CHECK(y.data()[1] == -most);
            }
}

TEST_CASE("values beyond the range saturate, whatever their size") {
    for (const auto* kernels : all_int8_kernels()) {
        INFO(kernels->name);
        const convolution_setting s{.inputs = 1, .outputs = 1, .kernel = 1, .input = {.step = 0.5f, .zero = 10}};
        const kernel_case k = convolution_kernel(int8_kernels(*kernels), s, {1.f}, nullptr);
        float_tensor x(1, 1, 6, 1), y(1, 1, 6, 1);
        std::ranges::copy(std::array{1e30f, -1e30f, 3e9f, -3e9f, 122.6f, 0.f}, x.data());
        k.compute({&x}, y, {0, 1}, {0, 6});
        const float step = 1.f * (0.5f / 127) * 127; // of the input, as the weight's step rounds it
        const float expected[] = {245 * step, -10 * step, 245 * step, -10 * step, 245 * step, 0};
        for (int i = 0; i < 6; ++i) CHECK(y.data()[i] == Approx(double(expected[i])).epsilon(1e-6));
    }
}

TEST_CASE("what is not finite reaches every output of an 8-bit convolution that it is part of, and no other") {
    for (const auto* kernels : all_int8_kernels())
        for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()})
            for (int inputs : {3, 16}) {
                INFO(kernels->name << " " << bad << " " << inputs);
                const convolution_setting s{.inputs = inputs,
                                            .outputs = 20,
                                            .kernel = 3,
                                            .activation = activation_kind::relu,
                                            .input = saturating};
                const auto w = random_floats(std::size_t(9 * inputs * 20), 1);
                const kernel_case k = convolution_kernel(int8_kernels(*kernels), s, w, nullptr);
                float_tensor x = signed_tensor(1, 9, 21, inputs, 5);
                x.at(0, 4, 10)[2] = bad;
                const float_tensor y = k.result({&x}, 9, 21, 20);
                for (int i = 0; i < 9; ++i)
                    for (int j = 0; j < 21; ++j)
                        for (int o = 0; o < 20; ++o)
                            CHECK(std::isnan(y.at(0, i, j)[o]) == (std::abs(i - 4) <= 1 && std::abs(j - 10) <= 1));
            }
}
