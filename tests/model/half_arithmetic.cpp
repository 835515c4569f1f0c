// Networks whose convolutions multiply in half precision. Compiled twice, as backend/half_convolution.cpp is.
#include "fovea/graph/half_arithmetic.hpp"

#include <cstring>

#include "fovea/zoo/vapsr.hpp"
#include "support/data.hpp"
#include "support/errors.hpp"
#include "support/exactness.hpp"

using namespace fovea;
using fovea_test::error_of;

namespace {

template <int Kernel, int Depth = 2> using small_vapsr = zoo::vapsr_network<2, 16, 32, Depth, Kernel>;
// Convolutions with and without stride and skip, of even and odd numbers of channels; first and last stay float32.
using mixed = sequential<conv<3, 16, 1>, residual<conv<16, 35, 1, gelu>, conv<35, 16, 1>>,
                         conv<16, 33, 3, silu, conv_options{.stride = 2}>, conv<33, 16, 3, relu>, upsample<2>,
                         conv<16, 12, 1>, pixel_shuffle<2>>;

bool halves_here() {
    if (multiplies_halves(cpu{})) return true;
    fovea_test::skipped = true;
    std::printf("skipped: needs a machine with AVX512-FP16\n");
    return false;
}
const model_options fp16{.precision = precision_kind::float16};

template <class Network> graph traced(const depths& d = {}) {
    return detail::trace_network<Network, cpu, inference>(d);
}
// Kept in 16 bits, and computed in float32.
template <class Network> upscaler stored_alone() {
    graph g = traced<Network>();
    g.backend.multiplies_halves = fovea::detail::answer<false>;
    return {g, fovea_test::random_weights<Network>(), fp16};
}

tensor_file scaled(tensor_file file, const std::string& name, float factor) {
    for (stored_tensor& t : file.take_tensors()) {
        if (t.name == name)
            for (std::size_t at = 0; at < t.bytes.size(); at += sizeof(float)) {
                float value;
                std::memcpy(&value, t.bytes.data() + at, sizeof value);
                value *= factor;
                std::memcpy(t.bytes.data() + at, &value, sizeof value);
            }
        file.add(std::move(t));
    }
    return file;
}

std::string layers_in_halves(graph g) {
    multiply_halves(g);
    std::string all;
    for (auto& o : g.operations)
        if (o.a.halves) all += layer_name(g, o) + " ";
    return all;
}

} // namespace

TEST_CASE("networks that multiply in half precision tile exactly") {
    if (!halves_here()) return;
    fovea_test::check_exactness_with<mixed, cpu>({extent{2, 2}, extent{10, 26}}, fp16);
    fovea_test::check_exactness_with<small_vapsr<1, 1>, cpu>({extent{9, 21}}, fp16);
    fovea_test::check_exactness_with<small_vapsr<3, 1>, cpu>({extent{9, 21}}, fp16);
}

TEST_CASE("reading and writing of half precision gives the bits of float32 copies") {
    if (!halves_here()) return;
    const auto check = [](auto network) {
        using net = decltype(network);
        const auto weights = fovea_test::random_weights<net>();
        graph g = traced<net>(), copied = g;
        multiply_halves(copied);
        copied.backend.multiplies_halves = fovea::detail::answer<false>; // is done
        for (auto& o : copied.operations) o.takes_16_bits = false;
        upscaler itself(g, weights, fp16), copies(copied, weights, fp16);
        const auto x = fovea_test::random_tensor(1, 14, 58, 3);
        CHECK(fovea_test::same_bits(itself(x.view()), copies(x.view())));
    };
    check(mixed{});
    check(small_vapsr<1>{});
    check(small_vapsr<3>{});
}

TEST_CASE("products in half precision are close to float32, and not the same") {
    if (!halves_here()) return;
    const auto check = [](auto network) {
        using net = decltype(network);
        model<net, cpu> exact(fovea_test::random_weights<net>()), halves(fovea_test::random_weights<net>(), fp16);
        auto stored = stored_alone<net>();
        const auto x = fovea_test::random_tensor(1, 20, 30, 3);
        const auto y = exact(x.view()), in_halves = halves(x.view()), in_storage = stored(x.view());
        // A layer's weights are off by up to 2^-11 of themselves, its sums by four times as much; at most eight lie
        // behind one another, and parts that cancel leave errors that are larger beside what is left: three times.
        const double error = fovea_test::relative_error(y, in_halves);
        CHECK(error > fovea_test::relative_error(y, in_storage));
        CHECK(error < 3 * std::sqrt(8.) * 5 * 0.42 / 2048);
    };
    check(mixed{});
    check(small_vapsr<1>{});
    check(small_vapsr<3>{});
}

TEST_CASE("inner convolutions without Winograd and attention blocks multiply in half precision, no others do") {
    if (!halves_here()) return;
    CHECK(layers_in_halves(traced<small_vapsr<1>>()) == "body.0.proj_1 body.1.proj_1 ");
    CHECK(layers_in_halves(traced<mixed>()) == "1.0 1.1 2 ");
    graph without = traced<mixed>();
    without.backend.multiplies_halves = fovea::detail::answer<false>;
    CHECK(layers_in_halves(without) == "");
}

TEST_CASE("activations that half precision cannot hold are an error where they meet its products, too") {
    if (!halves_here()) return;
    image x(9, 9, 3, sample_type::f32);
    for (int y = 0; y < 9; ++y)
        for (float& v : x.row<float>(y)) v = 1e7f;
    const auto check = [&](auto network) {
        using net = decltype(network);
        model<net, cpu> exact(fovea_test::random_weights<net>()), halves(fovea_test::random_weights<net>(), fp16);
        CHECK(error_of([&] { exact(x); }) == "");
        CHECK_THAT(error_of([&] { halves(x); }), Catch::Contains("not finite") && Catch::Contains("65504"));
    };
    check(small_vapsr<1>{});
    check(small_vapsr<3>{});
}

TEST_CASE("sums that half precision cannot hold are an error, too") {
    if (!halves_here()) return;
    using net = small_vapsr<1>;
    // LayerNorm brings what follows back to one; sums of products of 15 and 10000 pass 65504 before.
    const auto weights = scaled(scaled(fovea_test::random_weights<net>(), "body.1.proj_1.weight", 30),
                                "body.1.atten_branch.pointwise.weight", 5e4f);
    image x(9, 9, 3, sample_type::f32);
    for (int y = 0; y < 9; ++y)
        for (float& v : x.row<float>(y)) v = 0.7f;
    model<net, cpu> exact(weights), halves(weights, fp16);
    CHECK(error_of([&] { exact(x); }) == "");
    CHECK_THAT(error_of([&] { halves(x); }), Catch::Contains("not finite") && Catch::Contains("65504"));
}

TEST_CASE("weights that half precision cannot hold are refused by name, where they would be in it") {
    if (!halves_here()) return;
    using net = small_vapsr<1>;
    const auto refusal = [](const std::string& name, float factor, precision_kind precision) {
        const auto weights = scaled(fovea_test::random_weights<net>(), name, factor);
        return error_of([&] { model<net, cpu>(weights, {.precision = precision}); });
    };
    for (const char* name : {"body.1.proj_1.weight", "body.0.atten_branch.pointwise.weight", "body.0.proj_2.weight"}) {
        CHECK_THAT(refusal(name, 1e7f, precision_kind::float16), Catch::Contains(name) && Catch::Contains("65504"));
        CHECK(refusal(name, 1e7f, precision_kind::bfloat16) == "");
        CHECK(refusal(name, 2e4f, precision_kind::float16) == "");
    }
    for (const char* name : {"conv_first.weight", "body.0.atten_branch.depthwise.weight", "body.0.proj_2.bias"})
        CHECK(refusal(name, 1e7f, precision_kind::float16) == "");
}
