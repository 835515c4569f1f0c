// VapSR's attention block against its parts in plain loops.
#include "fovea/graph/graph.hpp"
#include "support/kernel_case.hpp"
#include "support/reference_loops.hpp"
#include "support/sizes.hpp"

using namespace fovea_test;
using fovea::convolution_method;
using enum fovea::convolution_method;

namespace {

struct block {
    int features, hidden, kernel;
    std::vector<std::vector<float>> w; // the twelve weights
    kernel_case of_kernel;

    block(const fovea::kernel_table& kernels, int f, int a, int k, unsigned seed, convolution_method method = direct)
        : features(f), hidden(a), kernel(k) {
        // Like trained blocks: values of order one after every convolution.
        const auto add = [&](int count, int terms) {
            const float s = terms ? 1.7f / std::sqrt(float(terms)) : 0.3f;
            w.push_back(random_floats(std::size_t(count), seed++, -s, s));
        };
        add(a * f * k * k, f * k * k), add(a, 0);
        add(a * a, a), add(a, 0);
        add(a * 25, 25), add(a, 0);
        add(a * 25, 25), add(a, 0);
        add(f * a, a), add(f, 0);
        add(f, 1), add(f, 0);
        of_kernel.run = kernels.attention_block;
        of_kernel.scratch = kernels.attention_block_scratch;
        of_kernel.a.hidden = a;
        of_kernel.a.kernel = k;
        of_kernel.a.method = method;
        of_kernel.pack(kernels.packed_attention_block_bytes, kernels.pack_attention_block,
                       {{w[0], {a, f, k, k}},
                        {w[1], {a, 1, 1, 1}},
                        {w[2], {a, a, 1, 1}},
                        {w[3], {a, 1, 1, 1}},
                        {w[4], {a, 1, 5, 5}},
                        {w[5], {a, 1, 1, 1}},
                        {w[6], {a, 1, 5, 5}},
                        {w[7], {a, 1, 1, 1}},
                        {w[8], {f, a, 1, 1}},
                        {w[9], {f, 1, 1, 1}},
                        {w[10], {f, 1, 1, 1}},
                        {w[11], {f, 1, 1, 1}}});
        of_kernel.reads = fovea::footprint{.radius = 8 + k / 2, .grain = method == winograd ? 4 : 1};
    }

    float_tensor by_kernel(const float_tensor& x) const {
        return of_kernel.result({&x}, x.height(), x.width(), features);
    }
    // Each part rounds its result to float, as a test of parts would; that alone is 1e-7 of a value.
    std::vector<double> expected(const float_tensor& x) const {
        const auto part = [&](const float_tensor& in, std::size_t i, int out, int k, int groups, int dilation,
                              fovea::activation_kind act, const float_tensor* skip) {
            fovea::attributes a;
            a.kernel = k;
            a.groups = groups;
            a.dilation = dilation;
            a.activation = act;
            return reference_convolution(in, w[i], w[i + 1].data(), skip, a, out, in.height(), in.width());
        };
        const auto rounded = [&](const std::vector<double>& v, int channels) {
            float_tensor t(x.batch(), x.height(), x.width(), channels);
            std::transform(v.begin(), v.end(), t.data(), [](double d) { return float(d); });
            return t;
        };
        using enum fovea::activation_kind;
        const float_tensor a = rounded(part(x, 0, hidden, kernel, 1, 1, gelu, nullptr), hidden);
        const float_tensor q = rounded(part(a, 2, hidden, 1, 1, 1, identity, nullptr), hidden);
        const float_tensor t = rounded(part(q, 4, hidden, 5, hidden, 1, identity, nullptr), hidden);
        float_tensor u = rounded(part(t, 6, hidden, 5, hidden, 3, identity, nullptr), hidden);
        for (std::size_t i = 0; i < u.size(); ++i) u.data()[i] *= a.data()[i];
        auto y = part(u, 8, features, 1, 1, 1, identity, &x);
        reference_layer_norm(y, features, w[10].data(), w[11].data(), 1e-5);
        return y;
    }
};

} // namespace

TEST_CASE("the attention block equals its parts and does not depend on how it is cut") {
    for (const auto* kernels : all_kernels())
        for (auto [f, a, k] : {std::array{48, 64, 1}, {32, 64, 1}, {64, 48, 3}, {16, 16, 3}, {20, 12, 1}, {5, 17, 3}})
            for (auto [h, w] : odd_sizes) {
                INFO(kernels->name << " F " << f << " A " << a << " K " << k << " on " << h << "x" << w);
                const block b(*kernels, f, a, k, 7);
                const float_tensor x = signed_tensor(2, h, w, f, 11);
                const float_tensor y = b.by_kernel(x);
                // Values are of order one and pass five sums of at most 576 terms: 8 sqrt(576) 2^-24 each, amplified by
                // the later parts, whose gain is of order one, and by a layer norm that divides by at least 1/4.
                CHECK(difference(y, b.expected(x)) < 5 * 8 * 24 * std::ldexp(1., -24) * 4);
            }
}

TEST_CASE("the attention block by Winograd equals its parts and does not depend on how it is cut") {
    for (const auto* kernels : all_kernels())
        for (auto [f, a] : {std::pair{64, 48}, {16, 16}, {48, 64}, {20, 33}, {5, 17}})
            for (auto [h, w] : odd_sizes) {
                INFO(kernels->name << " F " << f << " A " << a << " on " << h << "x" << w);
                const block b(*kernels, f, a, 3, 7, winograd);
                const float_tensor x = signed_tensor(2, h, w, f, 11);
                const float_tensor y = b.by_kernel(x);
                CHECK(difference(y, b.expected(x)) < 5 * 8 * 24 * std::ldexp(1., -24) * 4);
                // The projection differs by 1e-5 of values of order one (winograd.cpp); what follows amplifies that by
                // its gain, of order one, and by a layer norm that divides by at least 1/4.
                const block exact(*kernels, f, a, 3, 7, direct);
                CHECK(difference(y, exact.by_kernel(x)) < 1e-5 * 4 * 4);
            }
}

TEST_CASE("the attention block on an image wider than a strip") {
    for (const auto* kernels : all_kernels())
        for (auto method : {direct, winograd})
            for (int width : {257, 301, 517}) {
                INFO(kernels->name << " on " << width << " columns, Winograd " << (method == winograd));
                const block b(*kernels, 32, 16, method == winograd ? 3 : 1, 21, method);
                const float_tensor x = signed_tensor(1, 11, width, 32, 12);
                CHECK(difference(b.by_kernel(x), b.expected(x)) < 5e-4);
            }
}
