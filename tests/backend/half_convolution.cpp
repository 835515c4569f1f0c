// Convolutions in half precision against their definition in integers, bit by bit, and against float64. Compiled twice:
// with the kernels that this machine has, where it multiplies in half precision, and with those that emulate it.
#include "fovea/backend/cpu/select.hpp"
#include "support/convolution_case.hpp"
#include "support/data.hpp"

using namespace fovea_test;
using fovea::float_from_half;
using fovea::half_from_float;

namespace {

constexpr int interval = 32; // steps of two products, after which sums go on in float32
constexpr double unit = 0x1p-11;

const fovea::convolution_kernels* kernels_here() {
#if FOVEA_DISPATCH
    if (const auto* all = fovea::kernels_of("avx512fp16")) return all->half_convolution;
#else
    if (const auto& kernels = fovea::FOVEA_ISA::half_convolution) return &kernels;
#endif
    skipped = true;
    std::printf("skipped: needs a machine with AVX512-FP16\n");
    return nullptr;
}

__extension__ using integer = __int128;

integer in_units(std::uint16_t half) { // of 2^-24, of which every half is a multiple
    return integer(double(float_from_half(half)) * 0x1p24);
}
// a b + c, rounded once, to nearest even.
std::uint16_t fused(std::uint16_t a, std::uint16_t b, std::uint16_t c) {
    const float x = float_from_half(a), y = float_from_half(b), z = float_from_half(c);
    if (!std::isfinite(x) || !std::isfinite(y) || !std::isfinite(z)) return half_from_float(x * y + z);
    const integer exact = in_units(a) * in_units(b) + in_units(c) * (integer(1) << 24); // of 2^-48
    if (exact == 0) return half_from_float(x * y + z);                                  // for the zero's sign
    const integer size = exact < 0 ? -exact : exact;
    int dropped = 24; // bits, of subnormal halves
    while (size >> dropped >= 2048) ++dropped;
    integer kept = size >> dropped;
    const integer twice_rest = (size - (kept << dropped)) * 2, one = integer(1) << dropped;
    if (twice_rest > one || (twice_rest == one && kept % 2 == 1)) ++kept;
    const double rounded = std::ldexp(double(kept), dropped - 48);
    return half_from_float(float(exact < 0 ? -rounded : rounded));
}

// As half_products.hpp defines it.
float expected_sum(const convolution_setting& s, const std::vector<std::uint16_t>& w, const float_tensor& x, int n,
                   int y, int column, int o) {
    const int K = s.kernel, pairs = (s.inputs + 1) / 2;
    float sum = 0;
    for (int i = 0; i < K; ++i) {
        std::uint16_t chains[2] = {};
        for (int step = 0; step < K * pairs; ++step) {
            const int j = step / pairs, row = y * s.stride + i - K / 2, at = column * s.stride + j - K / 2;
            for (int k = 0; k < 2; ++k) {
                const int input = step % pairs * 2 + k;
                if (input >= s.inputs) continue;
                const float value = float(padded(x.view(), n, row, at, input));
                chains[k] =
                    fused(half_from_float(value), w[std::size_t(((o * s.inputs + input) * K + i) * K + j)], chains[k]);
            }
            if ((step + 1) % interval == 0 || step + 1 == K * pairs) {
                sum += float_from_half(chains[0]) + float_from_half(chains[1]);
                chains[0] = chains[1] = 0;
            }
        }
    }
    return sum;
}

void check_half(const convolution_setting& s, int images, int height, int width) {
    const auto* kernels = kernels_here();
    if (!kernels) return;
    const convolution_case c(s, images, height, width, 1);
    INFO(c.text());
    const float_tensor y = c.by(*kernels);

    std::vector<std::uint16_t> halves;
    for (float v : c.w) halves.push_back(half_from_float(v));
    std::vector<float> expected;
    for (int n = 0; n < images; ++n)
        for (int i = 0; i < c.height; ++i)
            for (int j = 0; j < c.width; ++j)
                for (int o = 0; o < s.outputs; ++o) {
                    float v = expected_sum(s, halves, c.x, n, i, j, o) + (s.bias ? c.bias[std::size_t(o)] : 0.f);
                    v = float(reference_activation(s.activation, double(v), double(0.2f)));
                    expected.push_back(s.skip ? v + c.skip.at(n, i, j)[o] : v);
                }
    // The smooth activations are approximated, within 1e-6 of numbers up to some units.
    const bool smooth = s.activation == activation_kind::silu || s.activation == activation_kind::gelu;
    CHECK(difference(y, expected) <= (smooth ? 5e-6 : 0));

    // Each factor is rounded to 11 bits, and so is each sum of an interval; no activation here is steeper than 1.13.
    convolution_case sizes(s, images, height, width, 1); // of the absolute values, without bias, activation and skip
    for (float& v : sizes.w) v = std::fabs(v);
    for (std::size_t i = 0; i < sizes.x.size(); ++i) sizes.x.data()[i] = std::fabs(sizes.x.data()[i]);
    sizes.s.activation = activation_kind::identity, sizes.s.bias = sizes.s.skip = false;
    const auto exact = c.by_loops(), most = sizes.by_loops();
    double worst = 0;
    for (std::size_t i = 0; i < exact.size(); ++i)
        worst = std::max(worst, std::fabs(double(y.data()[i]) - exact[i]) - 1.13 * (interval + 2.1) * unit * most[i]);
    CHECK(worst < 1e-5); // of float32
}

} // namespace

TEST_CASE("a product in half precision is added and rounded once") {
    const auto* kernels = kernels_here();
    if (!kernels) return;
    // One step gives c, the next a b + c; the other chain stays zero.
    constexpr int outputs = 48, pixels = 4000;
    const convolution_setting s{.inputs = 4, .outputs = outputs, .bias = false};
    std::mt19937 random(11);
    const auto any_finite = [&] {
        for (;;)
            if (const float v = float_from_half(std::uint16_t(random())); std::isfinite(v)) return v;
    };
    std::vector<float> w(4 * outputs, 0.f);
    for (std::size_t o = 0; o < outputs; ++o) w[o * 4] = 1, w[o * 4 + 2] = any_finite();
    float_tensor input(1, 1, pixels, 4);
    const auto x = [&](int j, int channel) -> float& { return input.at(0, 0, j)[channel]; };
    for (int j = 0; j < pixels; ++j) x(j, 0) = any_finite(), x(j, 2) = any_finite();
    for (int j = 0; j < pixels / 2; ++j) // of the size of the product with one of the weights: bits cancel
        x(j, 0) = float_from_half(half_from_float(-x(j, 2) * w[std::size_t(j % outputs) * 4 + 2]));
    x(pixels - 1, 2) = std::numeric_limits<float>::infinity();
    x(pixels - 2, 0) = -std::numeric_limits<float>::infinity();
    x(pixels - 3, 2) = std::numeric_limits<float>::quiet_NaN();
    float_tensor y(1, 1, pixels, outputs);
    convolution_kernel(*kernels, s, w, nullptr).compute({&input}, y, {0, 1}, {0, pixels});
    int wrong = 0, infinite = 0, subnormal = 0;
    for (int j = 0; j < pixels; ++j)
        for (int o = 0; o < outputs; ++o) {
            const float expected = float_from_half(
                fused(half_from_float(x(j, 2)), half_from_float(w[std::size_t(o) * 4 + 2]), half_from_float(x(j, 0))));
            const float found = y.at(0, 0, j)[o];
            wrong += !(found == expected || (std::isnan(found) && std::isnan(expected)));
            infinite += std::isinf(expected), subnormal += expected != 0 && std::fabs(expected) < 0x1p-14f;
        }
    CHECK(wrong == 0);
    CHECK(infinite > 100);
    CHECK(subnormal > 100);
}

TEST_CASE("convolution in half precision over odd shapes equals its definition and does not depend on how it is cut") {
    for (auto [h, w] : {std::pair{1, 1}, {1, 7}, {4, 3}, {3, 17}})
        for (int inputs : {1, 6, 17})
            for (int outputs : {1, 16, 17, 35})
                for (auto [k, stride] : {std::pair{1, 1}, {1, 2}, {3, 1}, {3, 2}})
                    check_half({.inputs = inputs, .outputs = outputs, .kernel = k, .stride = stride}, 1, h, w);
    check_half({.inputs = 64, .outputs = 64}, 2, 2, 19);  // 32 steps: a whole interval
    check_half({.inputs = 130, .outputs = 48}, 1, 2, 29); // 65 steps
    check_half({.inputs = 18, .outputs = 20, .kernel = 5, .stride = 2}, 1, 6, 13);
}

TEST_CASE("convolution in half precision of more columns than a strip") {
    check_half({.inputs = 258, .outputs = 2, .kernel = 3}, 1, 2, 200);
}

TEST_CASE("convolution in half precision with activations and a skip") {
    for (auto act : all_activations)
        for (bool skip : {false, true})
            for (bool bias : {false, true})
                check_half({.inputs = 18, .outputs = 35, .activation = act, .bias = bias, .skip = skip}, 2, 3, 23);
}

TEST_CASE("numbers beyond half precision leave no finite result behind") {
    const auto* kernels = kernels_here();
    if (!kernels) return;
    const convolution_setting s{.inputs = 16, .outputs = 20, .kernel = 3};
    const kernel_case k = convolution_kernel(*kernels, s, random_floats(9 * 16 * 20, 1), nullptr);
    for (float bad :
         {65520.f, -1e30f, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
        INFO(bad);
        float_tensor x = signed_tensor(1, 9, 21, 16, 5);
        x.at(0, 4, 10)[2] = bad;
        const float_tensor y = k.result({&x}, 9, 21, 20);
        for (int i = 0; i < 9; ++i)
            for (int j = 0; j < 21; ++j)
                for (int o = 0; o < 20; ++o)
                    CHECK(std::isfinite(y.at(0, i, j)[o]) == (std::abs(i - 4) > 1 || std::abs(j - 10) > 1));
    }
}
