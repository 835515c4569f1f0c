// Operations without a neighbourhood: activations and their special values, slopes, sums, products, normalisations.
#include "support/convolution_case.hpp"
#include "support/reference_loops.hpp"

using namespace fovea_test;

namespace {
const std::vector<std::array<int, 4>> shapes = {{1, 1, 1, 1},    {1, 1, 7, 3},   {2, 5, 3, 5},
                                                {1, 13, 19, 17}, {1, 7, 37, 64}, {2, 3, 33, 48}};
} // namespace

TEST_CASE("activations are exact to 1e-6, at and beyond every clamp, and keep NaN") {
    const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
    std::vector<float> values{0.f, -0.f, 1.f, -1.f, 1e-30f, -1e-30f, infinity, -infinity, nan, -nan, 3e38f, -3e38f};
    for (float clamp : {5.3f, 5.4f, 87.f, 87.4f, 88.8f, 126.f, 127.f})
        for (float at : {std::nextafter(clamp, 0.f), clamp, std::nextafter(clamp, 1e3f)})
            for (float sign : {1.f, -1.f}) values.push_back(sign * at);
    for (int i = -40000; i <= 40000; ++i) values.push_back(float(i) * 0.0005f);
    for (int i = -300; i <= 300; ++i) values.push_back(float(i) * 1.37f);
    float_tensor x(1, 1, int(values.size()), 1);
    std::ranges::copy(values, x.data());
    for (const auto* kernels : all_kernels())
        for (auto act : all_activations) {
            kernel_case k = pointwise_case(kernels->activate);
            k.a.activation = act, k.a.slope = 0.1f;
            const float_tensor y = k.result({&x}, 1, x.width(), 1);
            for (std::size_t i = 0; i < values.size(); ++i) {
                INFO(kernels->name << " activation " << int(act) << " of " << values[i] << " is " << y.data()[i]);
                const double expected = reference_activation(act, double(values[i]), double(0.1f));
                if (std::isnan(expected))
                    CHECK(std::isnan(y.data()[i]));
                else if (std::isinf(expected))
                    CHECK(double(y.data()[i]) == expected);
                else
                    CHECK(std::fabs(double(y.data()[i]) - expected) <= 1e-6 * std::max(1., std::fabs(expected)));
            }
        }
}

TEST_CASE("prelu, add and multiply") {
    for (const auto* kernels : all_kernels())
        for (auto [n, h, w, c] : shapes) {
            INFO(kernels->name << " " << n << "x" << h << "x" << w << "x" << c);
            const float_tensor a = signed_tensor(n, h, w, c, 1), b = signed_tensor(n, h, w, c, 2);
            const auto slope = random_floats(std::size_t(c), 3);
            std::vector<float> sum, product, rectified;
            for (std::size_t i = 0; i < a.size(); ++i) {
                sum.push_back(a.data()[i] + b.data()[i]);
                product.push_back(a.data()[i] * b.data()[i]);
                rectified.push_back(a.data()[i] < 0 ? a.data()[i] * slope[i % std::size_t(c)] : a.data()[i]);
            }
            CHECK(difference(pointwise_case(kernels->add).result({&a, &b}, h, w, c), sum) == 0);
            CHECK(difference(pointwise_case(kernels->multiply).result({&a, &b}, h, w, c), product) == 0);
            CHECK(difference(pointwise_case(kernels->prelu, {slope.data()}).result({&a}, h, w, c), rectified) == 0);
        }
}

TEST_CASE("layer norm and batch norm") {
    for (const auto* kernels : all_kernels())
        for (auto [n, h, w, c] : shapes) {
            INFO(kernels->name << " " << n << "x" << h << "x" << w << "x" << c);
            const float_tensor x = signed_tensor(n, h, w, c, 1);
            const auto gamma = random_floats(std::size_t(c), 2), beta = random_floats(std::size_t(c), 3);
            std::vector<double> expected(x.data(), x.data() + x.size());
            reference_layer_norm(expected, c, gamma.data(), beta.data(), 1e-5);
            const kernel_case layer = pointwise_case(kernels->layer_norm, {gamma.data(), beta.data()});
            // Mean and centred value are off by 2^-22 at most; few channels may lie as close together as 1e-2, by which
            // the result is divided.
            CHECK(difference(layer.result({&x}, h, w, c), expected) < std::ldexp(1., -22) * 4 / 1e-2);

            const auto mean = random_floats(std::size_t(c), 4), variance = random_floats(std::size_t(c), 5, 0.5f, 2.f);
            for (std::size_t i = 0; i < expected.size(); ++i) {
                const std::size_t k = i % std::size_t(c);
                expected[i] =
                    (double(x.data()[i]) - double(mean[k])) / std::sqrt(double(variance[k]) + 1e-5) * double(gamma[k]) +
                    double(beta[k]);
            }
            const kernel_case batch =
                pointwise_case(kernels->batch_norm, {gamma.data(), beta.data(), mean.data(), variance.data()});
            CHECK(difference(batch.result({&x}, h, w, c), expected) < 1e-6); // a few roundings of values below 4
        }
}

TEST_CASE("layer norm keeps a NaN in its pixel") {
    for (const auto* kernels : all_kernels()) {
        float_tensor x = signed_tensor(1, 3, 21, 17, 1);
        x.at(0, 1, 9)[16] = std::numeric_limits<float>::quiet_NaN();
        const std::vector<float> gamma(17, 1.f), beta(17, 0.f);
        const kernel_case layer = pointwise_case(kernels->layer_norm, {gamma.data(), beta.data()});
        const float_tensor y = layer.result({&x}, 3, 21, 17);
        for (int i = 0; i < 3; ++i)
            for (int j = 0; j < 21; ++j)
                for (int k = 0; k < 17; ++k) CHECK(std::isnan(y.at(0, i, j)[k]) == (i == 1 && j == 9));
    }
}
