// Every operation of the GPU, on the host, on tensors of every format: the bits that float32 gives, rounded once.
#include "fovea/core/random.hpp"
#include "fovea/graph/weights.hpp"
#include "fovea/layers/compose.hpp"
#include "fovea/layers/conv.hpp"
#include "fovea/layers/norm.hpp"
#include "fovea/layers/resize.hpp"
#include "fovea/model/model.hpp"
#include "support/catch.hpp"
#include "support/host_device.hpp"

using namespace fovea;
using fovea_test::device_on_host;

namespace {

using enum number_format;

constexpr conv_options grouped{.groups = 2}, strided{.stride = 2};
using head = sequential<conv<3, 16, 3, silu>, conv<16, 20, 5, leaky_relu<1, 10>, grouped>, depthwise<20, 5, gelu, 3>,
                        layer_norm<20>, batch_norm<20>, prelu<20>, silu>;
using branches = sequential<residual<conv<20, 20, 1, gelu>>, product<pass, conv<20, 20, 1>>, sum<pass, relu>,
                            concat<pass, conv<20, 12, 3>>, residual<depthwise<32, 3>>>;
using other_sizes = sequential<max_pool<3, 2>, upsample<2>, conv<32, 32, 1>, pixel_shuffle<2>,
                               conv<8, 70, 3, relu, strided>, global_average_pool, linear<70, 5>>;
using every_operation = sequential<head, branches, other_sizes>;

// Numbers that all formats hold: multiples of 2^-6 up to two.
float exact_number(random_stream& random, bool positive) {
    const double unit = random.uniform();
    return float(std::floor((positive ? unit : 2 * unit - 1) * 127) + (positive ? 1 : 0)) / 64;
}

class tensor_of { // of random numbers in a format
  public:
    tensor_of(extent e, int channels, int batch, number_format f)
        : numbers_(std::size_t(batch) * std::size_t(e.height) * std::size_t(e.width) * std::size_t(channels)),
          memory_(numbers_ * bytes_of(f)) {
        const auto row = std::ptrdiff_t(e.width) * channels;
        window_ = {.data = memory_.data(),
                   .height = e.height,
                   .width = e.width,
                   .channels = channels,
                   .columns = e.width,
                   .stored = e.height,
                   .row_stride = row,
                   .image_stride = row * e.height,
                   .format = f};
        random_stream random(numbers_);
        for (std::size_t i = 0; i < numbers_; ++i) all().put(std::ptrdiff_t(i), exact_number(random, false));
    }
    const window& view() const { return window_; }
    device_numbers all() { return {memory_.data(), window_.format}; }
    std::size_t numbers() const { return numbers_; }

  private:
    std::size_t numbers_;
    std::vector<std::byte> memory_;
    window window_;
};

weight_store weights_for(graph& g, number_format f) {
    weight_store weights(g);
    for (std::size_t i = 0; i < g.weights.size(); ++i) {
        if (g.weights[i].kind == weight_kind::derived) continue;
        random_stream random(i);
        auto* w = reinterpret_cast<float*>(weights[int(i)]);
        for (std::size_t k = 0; k < count(g.weights[i].dims); ++k)
            w[k] = exact_number(random, g.weights[i].kind == weight_kind::buffer);
    }
    for (auto& p : g.preparations) p.format = f;
    weights.prepare(g);
    return weights;
}

struct in_format {
    number_format x, y;
};
// What an operation gives for the same numbers in these formats, as bits of float32.
std::vector<float> result_of(const graph& g, const operation& o, const std::vector<extent>& extents,
                             const weight_store& weights, in_format f) {
    constexpr int batch = 2;
    const auto make = [&](int t, number_format as) {
        return tensor_of(extents[std::size_t(t)], g.tensors[std::size_t(t)].channels, batch, as);
    };
    tensor_of y = make(o.y, f.y);
    std::vector<tensor_of> x;
    call c = fovea::detail::call_of(o, weights);
    for (int i : o.x)
        if (i >= 0) x.push_back(make(i, f.x));
    for (std::size_t k = 0; k < x.size(); ++k) c.x[k] = x[k].view();
    c.y = y.view(), c.images = {0, batch}, c.rows = {0, c.y.height}, c.cols = {0, c.y.width};
    o.kernels->forward(c);
    std::vector<float> all;
    for (std::size_t i = 0; i < y.numbers(); ++i) all.push_back(y.all()[std::ptrdiff_t(i)]);
    return all;
}

} // namespace

TEST_CASE("kernels of the GPU: tensors of every format") {
    graph g = fovea::detail::trace_network<every_operation, device_on_host, inference>({});
    const auto extents = extents_of(g, {13, 19});
    const auto wide = weights_for(g, float32);
    for (auto half : {bfloat16, float16}) {
        const auto narrow = weights_for(g, half);
        const auto rounded = [&](float v) { return float_from_16_bits(half, float_to_16_bits(half, v)); };
        for (auto& o : g.operations) {
            INFO("operation " << &o - g.operations.data() << ", format " << int(half));
            REQUIRE(o.takes_16_bits);
            std::vector<float> expected = result_of(g, o, extents, wide, {float32, float32});
            REQUIRE(std::ranges::all_of(expected, [](float v) { return std::isfinite(v); }));
            CHECK(result_of(g, o, extents, narrow, {half, float32}) == expected);
            for (float& v : expected) v = rounded(v);
            CHECK(result_of(g, o, extents, wide, {float32, half}) == expected);
            CHECK(result_of(g, o, extents, narrow, {half, half}) == expected);
        }
    }
}

TEST_CASE("kernels of the GPU: filters lie by output, tap and input, in 16 bits where their tensor does") {
    graph g = fovea::detail::trace_network<conv<4, 6, 3, identity, grouped>, device_on_host, inference>({});
    REQUIRE(g.preparations.size() == 1);
    weight_store weights(g);
    auto* w = reinterpret_cast<float*>(weights[g.preparations[0].w[0]]); // (6,2,3,3)
    for (int i = 0; i < 6 * 2 * 9; ++i) w[i] = float(i);
    g.preparations[0].format = bfloat16;
    const auto c = weights.call_of(g, g.preparations[0], sizeof(float));
    CHECK(weights.bytes(g.preparations[0].out) < 6 * 2 * 9 * sizeof(float));
    g.preparations[0].kernels->forward(c);
    const device_numbers arranged{static_cast<std::byte*>(c.out), bfloat16};
    for (int output = 0; output < 6; ++output)
        for (int tap = 0; tap < 9; ++tap)
            for (int input = 0; input < 2; ++input)
                CHECK(arranged[(output * 9 + tap) * 2 + input] == float((output * 2 + input) * 9 + tap));
}
