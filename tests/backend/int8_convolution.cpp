// The 8-bit convolution of every instruction set against plain integers: the same bits.
#include "support/operation.hpp"
#include "support/reference_loops.hpp"

using namespace fovea_test;
using fovea::activation_kind;

namespace {

struct int8_setting {
    int inputs, outputs, kernel, stride = 1;
    activation_kind activation = activation_kind::identity;
    bool bias = true, skip = false;
    fovea::quantisation input{.step = 0.0079f, .zero = 117}; // numbers of [-1, 1) saturate on both sides
};

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

tensor quantised_input(const tensor& x, fovea::quantisation by) {
    tensor u = x;
    for (float& v : u.data) {
        const double t = double(v * (1 / by.step)) + by.zero;
        v = float(std::nearbyint(std::min(std::max(t, 0.), 255.)));
    }
    return u;
}

// Exact for activations that are at most one product.
std::vector<float> expected_in_int8(const int8_setting& s, const tensor& x, const std::vector<float>& w,
                                    const float* bias, const tensor* skip, int height, int width) {
    const integers weights = quantised_weights(w, s.outputs, std::size_t(s.kernel * s.kernel), s.input.step);
    const tensor u = quantised_input(x, s.input);
    const int K = s.kernel, half = K / 2;
    std::vector<float> y;
    for (int n = 0; n < x.n; ++n)
        for (int i = 0; i < height; ++i)
            for (int j = 0; j < width; ++j)
                for (int o = 0; o < s.outputs; ++o) {
                    std::int64_t sum = 0;
                    for (int p = 0; p < K; ++p)
                        for (int q = 0; q < K; ++q)
                            for (int k = 0; k < s.inputs; ++k) {
                                const int row = i * s.stride + p - half, column = j * s.stride + q - half;
                                if (row < 0 || row >= x.h || column < 0 || column >= x.w) continue;
                                sum += std::int64_t(weights.q[std::size_t(((o * s.inputs + k) * K + p) * K + q)]) *
                                       (int(u(n, row, column, k)) - s.input.zero);
                            }
                    float v = float(sum) * weights.scale[std::size_t(o)];
                    v += bias ? bias[o] : 0.f;
                    v = float(reference_activation(s.activation, double(v), double(0.2f)));
                    y.push_back(skip ? v + (*skip)(n, i, j, o) : v);
                }
    return y;
}

struct int8_filters {
    aligned_bytes packed;
    operation op;

    int8_filters(const fovea::kernel_table& kernels, const int8_setting& s, const std::vector<float>& w,
                 const float* bias) {
        fovea::preparation_call p;
        p.a.kernel = s.kernel;
        p.a.stride = s.stride;
        p.a.activation = s.activation;
        p.a.slope = 0.2f;
        p.a.input = s.input;
        p.w[0] = w.data();
        p.dims[0] = {s.outputs, s.inputs, s.kernel, s.kernel};
        packed = aligned_bytes(kernels.packed_int8_convolution_bytes(p));
        p.out = packed.get();
        kernels.pack_int8_convolution(p);
        op.run = kernels.int8_convolution;
        op.scratch = kernels.int8_convolution_scratch;
        op.a = p.a;
        op.dims = p.dims[0];
        op.w = {packed.get(), bias};
        const int reach = s.kernel / 2, stride = s.stride;
        op.footprint = [=](range r, int) { return range{r.begin * stride - reach, (r.end - 1) * stride + reach + 1}; };
    }
};

void check_int8(const int8_setting& s, int images, int height, int width) {
    const auto w = random_floats(std::size_t(s.inputs * s.outputs * s.kernel * s.kernel), 1, -0.1f, 0.1f);
    const auto bias = random_floats(std::size_t(s.outputs), 2);
    const int out_height = (height - 1) / s.stride + 1, out_width = (width - 1) / s.stride + 1;
    const tensor x = random_tensor(images, height, width, s.inputs, 3);
    const tensor skip = random_tensor(images, out_height, out_width, s.outputs, 4);
    const float* b = s.bias ? bias.data() : nullptr;
    std::vector<const tensor*> in{&x};
    if (s.skip) in.push_back(&skip);
    const auto expected = expected_in_int8(s, x, w, b, s.skip ? &skip : nullptr, out_height, out_width);
    // The smooth activations are approximated, within 1e-6 of numbers up to some units.
    const bool smooth = s.activation == activation_kind::silu || s.activation == activation_kind::gelu;
    for (const auto* kernels : all_int8_kernels()) {
        INFO(kernels->name << " " << s.inputs << "->" << s.outputs << " k" << s.kernel << " s" << s.stride << " on "
                           << height << "x" << width << " activation " << int(s.activation) << " bias " << s.bias
                           << " skip " << s.skip);
        const int8_filters p(*kernels, s, w, b);
        CHECK(difference(result(p.op, in, out_height, out_width, s.outputs).data, expected) <= (smooth ? 5e-6 : 0));
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
    for (auto act : {activation_kind::identity, activation_kind::relu, activation_kind::leaky_relu,
                     activation_kind::silu, activation_kind::gelu, activation_kind::unit_range})
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
                const int8_setting s{.inputs = inputs, .outputs = 2, .kernel = 1, .input = {.step = 1, .zero = zero}};
                std::vector<float> w(2 * inputs, sign * 127);
                std::fill(w.begin() + inputs, w.end(), -sign * 127);
                const int8_filters p(*kernels, s, w, nullptr);
                tensor x(1, 1, 1, inputs);
                std::fill(x.data.begin(), x.data.end(), zero ? -255.f : 255.f);
                tensor y(1, 1, 1, 2);
                compute(p.op, {&x}, y, {0, 1}, {0, 1});
                const float most = float(255. * 127 * inputs) * (zero ? -sign : sign);
                CHECK(y.data[0] == most);
                CHECK(y.data[1] == -most);
            }
}

TEST_CASE("values beyond the range saturate, whatever their size") {
    for (const auto* kernels : all_int8_kernels()) {
        INFO(kernels->name);
        const int8_setting s{.inputs = 1, .outputs = 1, .kernel = 1, .input = {.step = 0.5f, .zero = 10}};
        const int8_filters p(*kernels, s, {1.f}, nullptr);
        tensor x(1, 1, 6, 1), y(1, 1, 6, 1);
        x.data = {1e30f, -1e30f, 3e9f, -3e9f, 122.6f, 0.f};
        compute(p.op, {&x}, y, {0, 1}, {0, 6});
        const float step = 1.f * (0.5f / 127) * 127; // of the input, as the weight's step rounds it
        const float expected[] = {245 * step, -10 * step, 245 * step, -10 * step, 245 * step, 0};
        for (int i = 0; i < 6; ++i) CHECK(y.data[std::size_t(i)] == Approx(double(expected[i])).epsilon(1e-6));
    }
}

TEST_CASE("what is not finite reaches every output of an 8-bit convolution that it is part of, and no other") {
    for (const auto* kernels : all_int8_kernels())
        for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()})
            for (int inputs : {3, 16}) {
                INFO(kernels->name << " " << bad << " " << inputs);
                const int8_setting s{.inputs = inputs, .outputs = 20, .kernel = 3, .activation = activation_kind::relu};
                const auto w = random_floats(std::size_t(9 * inputs * 20), 1);
                const int8_filters p(*kernels, s, w, nullptr);
                tensor x = random_tensor(1, 9, 21, inputs, 5);
                x(0, 4, 10, 2) = bad;
                const tensor y = result(p.op, {&x}, 9, 21, 20);
                for (int i = 0; i < 9; ++i)
                    for (int j = 0; j < 21; ++j)
                        for (int k = 0; k < 20; ++k)
                            CHECK(std::isnan(y(0, i, j, k)) == (std::abs(i - 4) <= 1 && std::abs(j - 10) <= 1));
            }
}
