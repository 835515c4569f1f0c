// VapSR's attention block against its parts in plain loops.
#include "fovea/graph/graph.hpp"
#include "support/operation.hpp"
#include "support/reference_loops.hpp"
#include "support/sizes.hpp"

using namespace fovea_test;
using fovea::convolution_method;
using enum fovea::convolution_method;

namespace {

struct block {
    int features, hidden, kernel;
    std::vector<std::vector<float>> w; // the twelve weights
    fovea::preparation_call p;
    aligned_bytes packed;
    operation op;

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
        op.a.hidden = a;
        op.a.kernel = k;
        op.a.method = method;
        p.a = op.a;
        for (std::size_t i = 0; i < 12; ++i) p.w[i] = w[i].data();
        p.dims = {{{a, f, k, k},
                   {a, 1, 1, 1},
                   {a, a, 1, 1},
                   {a, 1, 1, 1},
                   {a, 1, 5, 5},
                   {a, 1, 1, 1},
                   {a, 1, 5, 5},
                   {a, 1, 1, 1},
                   {f, a, 1, 1},
                   {f, 1, 1, 1},
                   {f, 1, 1, 1},
                   {f, 1, 1, 1}}};
        packed = aligned_bytes(kernels.packed_attention_block_bytes(p));
        p.out = packed.get();
        kernels.pack_attention_block(p);
        op.run = kernels.attention_block;
        op.scratch = kernels.attention_block_scratch;
        op.dims = p.dims[0];
        op.w = {packed.get()};
        const fovea::footprint reads{.radius = 8 + k / 2, .grain = method == winograd ? 4 : 1};
        op.footprint = [reads](range r, int size) { return reads(r, size); };
    }

    // Each part rounds its result to float, as a test of parts would; that alone is 1e-7 of a value.
    std::vector<double> expected(const tensor& x) const {
        const auto part = [&](const tensor& in, std::size_t i, int out, int k, int groups, int dilation,
                              fovea::activation_kind act, const tensor* skip) {
            fovea::attributes a;
            a.kernel = k;
            a.groups = groups;
            a.dilation = dilation;
            a.activation = act;
            return reference_convolution(in, w[i], w[i + 1].data(), skip, a, out, in.h, in.w);
        };
        const auto rounded = [&](const std::vector<double>& v, int channels) {
            tensor t(x.n, x.h, x.w, channels);
            std::transform(v.begin(), v.end(), t.data.begin(), [](double d) { return float(d); });
            return t;
        };
        using enum fovea::activation_kind;
        const tensor a = rounded(part(x, 0, hidden, kernel, 1, 1, gelu, nullptr), hidden);
        const tensor q = rounded(part(a, 2, hidden, 1, 1, 1, identity, nullptr), hidden);
        const tensor t = rounded(part(q, 4, hidden, 5, hidden, 1, identity, nullptr), hidden);
        tensor u = rounded(part(t, 6, hidden, 5, hidden, 3, identity, nullptr), hidden);
        for (std::size_t i = 0; i < u.data.size(); ++i) u.data[i] *= a.data[i];
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
                const tensor x = random_tensor(2, h, w, f, 11);
                const tensor y = result(b.op, {&x}, h, w, f);
                // Values are of order one and pass five sums of at most 576 terms: 8 sqrt(576) 2^-24 each, amplified by
                // the later parts, whose gain is of order one, and by a layer norm that divides by at least 1/4.
                CHECK(difference(y.data, b.expected(x)) < 5 * 8 * 24 * std::ldexp(1., -24) * 4);
            }
}

TEST_CASE("the attention block by Winograd equals its parts and does not depend on how it is cut") {
    for (const auto* kernels : all_kernels())
        for (auto [f, a] : {std::pair{64, 48}, {16, 16}, {48, 64}, {20, 33}, {5, 17}})
            for (auto [h, w] : odd_sizes) {
                INFO(kernels->name << " F " << f << " A " << a << " on " << h << "x" << w);
                const block b(*kernels, f, a, 3, 7, winograd);
                const tensor x = random_tensor(2, h, w, f, 11);
                const tensor y = result(b.op, {&x}, h, w, f);
                CHECK(difference(y.data, b.expected(x)) < 5 * 8 * 24 * std::ldexp(1., -24) * 4);
                // The projection differs by 1e-5 of values of order one (winograd.cpp); what follows amplifies that by
                // its gain, of order one, and by a layer norm that divides by at least 1/4.
                const block exact(*kernels, f, a, 3, 7, direct);
                CHECK(difference(y.data, result(exact.op, {&x}, h, w, f).data) < 1e-5 * 4 * 4);
            }
}

TEST_CASE("the attention block on an image wider than a strip") {
    for (const auto* kernels : all_kernels())
        for (auto method : {direct, winograd})
            for (int width : {257, 301, 517}) {
                INFO(kernels->name << " on " << width << " columns, Winograd " << (method == winograd));
                const block b(*kernels, 32, 16, method == winograd ? 3 : 1, 21, method);
                const tensor x = random_tensor(1, 11, width, 32, 12);
                CHECK(difference(result(b.op, {&x}, 11, width, 32).data, b.expected(x)) < 5e-4);
            }
}
