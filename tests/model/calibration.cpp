// Networks in 8 bits: exact tiling, closeness to float32, how ranges are found, and what is refused.
#include "fovea/model/calibration.hpp"
#include "fovea/model/calibration_file.hpp"
#include "support/errors.hpp"
#include "support/exactness.hpp"
#include "support/scratch.hpp"
#include "support/small_networks.hpp"

using namespace fovea;
using fovea_test::error_of;
using fovea_test::small_sizes;
using fovea_test::small_supercool;

namespace {

using plain_vapsr = fovea_test::shallow_vapsr<2, 48, 64, 1>;

image noise(int height, int width, std::uint64_t seed) {
    image x(height, width, 3);
    random_stream random(seed);
    for (int y = 0; y < height; ++y)
        for (auto& v : x.row<std::uint8_t>(y)) v = std::uint8_t(random());
    return x;
}

template <class Network> activation_ranges ranges_of(const depths& d = {}, context* threads = nullptr) {
    model<Network, cpu> network(fovea_test::random_weights<Network>(d), {.depth = d, .threads = threads});
    calibrator seen(network);
    seen.add(noise(40, 60, 1));
    seen.add(noise(33, 20, 2));
    return seen.ranges();
}

template <class Network> model<Network, cpu> in_int8(const activation_ranges& ranges) {
    return model<Network, cpu>(fovea_test::random_weights<Network>(),
                               {.precision = precision_kind::int8, .ranges = &ranges});
}

template <class Network> void check_int8_exactness(const depths& d = {}) {
    const auto ranges = ranges_of<Network>(d);
    fovea_test::check_exactness_with<Network, cpu>(small_sizes,
                                                   {.depth = d, .precision = precision_kind::int8, .ranges = &ranges});
}

// The root of the mean squared difference, against that of the values around their mean.
template <class Network> double error_in_int8() {
    const auto ranges = ranges_of<Network>();
    model<Network, cpu> exact(fovea_test::random_weights<Network>());
    auto quick = in_int8<Network>(ranges);
    const auto x = fovea_test::random_tensor(1, 40, 50, 3);
    return fovea_test::relative_error(exact(x.view()), quick(x.view()));
}

} // namespace

TEST_CASE("networks in 8 bits tile exactly") {
    check_int8_exactness<small_supercool>();
    check_int8_exactness<zoo::supercool<4, 32, 1, dynamic>>({{"encoder", 2}});
    check_int8_exactness<zoo::realesr_compact<64, 3, 4>>();
    check_int8_exactness<plain_vapsr>();
}

TEST_CASE("networks in 8 bits are close to those in float32, and not the same") {
    // Each layer adds the errors of activations and weights, both of some 2^-8 of their range: a few per mille, times
    // the number of layers.
    for (double error : {error_in_int8<small_supercool>(), error_in_int8<zoo::realesr_compact<64, 3, 4>>(),
                         error_in_int8<plain_vapsr>()}) {
        CHECK(error > 0);
        CHECK(error < 0.03);
    }
}

TEST_CASE("inner convolutions are in 8 bits, the first, the last and attention blocks are not") {
    const auto names = [](const activation_ranges& r) {
        std::string all;
        for (auto& [name, range] : r.inputs) all += name + " ";
        return all;
    };
    CHECK(names(ranges_of<small_supercool>()) == "encoder.0.conv1 encoder.0.conv2 encoder.1.conv1 encoder.1.conv2 ");
    CHECK(names(ranges_of<plain_vapsr>()) == "conv_body upsampler.0 ");
    CHECK(names(ranges_of<zoo::realesr_compact<64, 2, 4>>()) == "body.2 body.4 ");
}

TEST_CASE("ranges do not depend on threads, order and memory") {
    const auto one = ranges_of<small_supercool>();
    context two({.threads = 2});
    model<small_supercool, cpu> network(fovea_test::random_weights<small_supercool>(), {.threads = &two});
    calibrator seen(network);
    seen.add(noise(33, 20, 2), {.memory_budget = 1 << 16});
    seen.add(noise(40, 60, 1), {.memory_budget = 1 << 16});
    const auto other = seen.ranges();
    REQUIRE(one.inputs.size() == other.inputs.size());
    for (auto& [name, range] : one.inputs) {
        CHECK(range.low == other.inputs.at(name).low);
        CHECK(range.high == other.inputs.at(name).high);
        CHECK(range.low < range.high);
    }
    CHECK(one.weights == other.weights);
}

TEST_CASE("rare outliers are clipped, frequent ends are not") {
    detail::value_histogram seen;
    std::vector<float> values(100000);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = float(i % 1000) / 500 - 1;
    for (int i = 0; i < 100; ++i) seen.add(values.data(), std::ptrdiff_t(values.size()));
    const activation_range even = seen.range();
    CHECK(even.low == Approx(-1).epsilon(0.05));
    CHECK(even.high == Approx(1).epsilon(0.05));
    const float outlier = 30;
    seen.add(&outlier, 1);
    const activation_range clipped = seen.range();
    CHECK(clipped.high < 6);
    CHECK(clipped.high > 0.9f);
}

TEST_CASE("ranges are written and read") {
    const fovea_test::scratch_folder folder;
    auto ranges = ranges_of<small_supercool>();
    ranges.network = "a network";
    write_activation_ranges(folder.path / "r.safetensors", ranges);
    const auto read = read_activation_ranges(folder.path / "r.safetensors");
    CHECK(read.weights == ranges.weights);
    CHECK(read.network == "a network");
    REQUIRE(read.inputs.size() == ranges.inputs.size());
    for (auto& [name, range] : ranges.inputs) CHECK(read.inputs.at(name).high == range.high);
    const auto x = noise(9, 9, 4);
    auto one = in_int8<small_supercool>(ranges), other = in_int8<small_supercool>(read);
    CHECK(one(x) == other(x));
}

TEST_CASE("files that are no ranges are refused") {
    const auto refusal = [](const tensor_file& f) { return error_of([&] { activation_ranges_of(f); }); };
    tensor_file weights = fovea_test::random_weights<small_supercool>();
    CHECK_THAT(refusal(weights), Catch::Contains("random weights") && Catch::Contains("holds no activation ranges"));
    tensor_file file = tensors_of(ranges_of<small_supercool>());
    file.source = "r";
    auto without_digest = file;
    without_digest.metadata["weights"] = "";
    CHECK_THAT(refusal(without_digest), Catch::Contains("holds no activation ranges"));
    file.add(tensor_of("extra", {3}, std::array{1.f, 2.f, 3.f}));
    CHECK_THAT(refusal(file), Catch::Contains("extra") && Catch::Contains("expected F32 (2)"));
}

TEST_CASE("ranges that do not fit are refused with a reason") {
    const auto good = ranges_of<small_supercool>();
    const auto refusal = [&](auto change) {
        auto r = good;
        r.source = "r.safetensors";
        change(r);
        return error_of([&] { in_int8<small_supercool>(r); });
    };
    CHECK(refusal([](activation_ranges&) {}) == "");
    CHECK_THAT(refusal([](auto& r) { r.weights = "0123456789abcdef"; }),
               Catch::Contains("r.safetensors") && Catch::Contains("other weights"));
    CHECK_THAT(refusal([](auto& r) { r.inputs.erase("encoder.0.conv2"); }),
               Catch::Contains("no range for encoder.0.conv2"));
    CHECK_THAT(refusal([](auto& r) { r.inputs["other"] = {0, 1}; }), Catch::Contains("5 convolutions"));
    CHECK_THAT(refusal([](auto& r) { r.inputs["encoder.0.conv1"].high = std::numeric_limits<float>::infinity(); }),
               Catch::Contains("encoder.0.conv1") && Catch::Contains("finite"));
    CHECK_THAT(refusal([](auto& r) { r.inputs["encoder.0.conv1"] = {1, 0}; }), Catch::Contains("ascending"));
    CHECK_THAT(error_of([] {
                   model<small_supercool, cpu>(fovea_test::random_weights<small_supercool>(),
                                               {.precision = precision_kind::int8});
               }),
               Catch::Contains("expected the ranges"));
    CHECK_THAT(error_of([&] {
                   model<small_supercool, reference>(fovea_test::random_weights<small_supercool>(),
                                                     {.precision = precision_kind::int8, .ranges = &good});
               }),
               Catch::Contains("no convolution of this network"));
    CHECK_THAT(error_of([&] {
                   auto quick = in_int8<small_supercool>(good);
                   calibrator seen(quick);
               }),
               Catch::Contains("expected it in float32"));
    CHECK_THAT(error_of([] {
                   model<small_supercool, cpu> network(fovea_test::random_weights<small_supercool>());
                   calibrator(network).ranges();
               }),
               Catch::Contains("one at least"));
}

TEST_CASE("a picture that is not finite is refused in 8 bits too") {
    const auto ranges = ranges_of<small_supercool>();
    auto quick = in_int8<small_supercool>(ranges);
    for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        image x(20, 20, 3, sample_type::f32);
        x.row<float>(11)[7] = bad;
        CHECK_THAT(error_of([&] { quick(x); }), Catch::Contains("not finite"));
    }
}

TEST_CASE("activations that are always zero have a range too") {
    const quantisation q = quantisation_of({0, 0});
    CHECK(q.step > 0);
    CHECK(q.zero == 0);
    const quantisation positive = quantisation_of({3, 10}); // zero is one of the steps
    CHECK(positive.zero == 0);
    CHECK(positive.step == Approx(10. / 255));
    CHECK(quantisation_of({-2, -1}).zero == 255);
}
