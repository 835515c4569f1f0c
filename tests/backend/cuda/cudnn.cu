// Every convolution of the zoo's networks, with what follows it, and its gradients are graphs that cuDNN's heuristics
// have engines for on a Hopper GPU. No GPU is needed, nor does anything run.
#include <map>
#include <set>

#include "fovea/backend/cuda/cudnn_convolution.cuh"
#include "fovea/backend/cuda/cudnn_plan.cuh"
#include "fovea/engine/cuda/training_engine.hpp"
#include "fovea/model/trainable.hpp"
#include "fovea/zoo/critic.hpp"
#include "fovea/zoo/realesr.hpp"
#include "fovea/zoo/supercool.hpp"
#include "fovea/zoo/vapsr.hpp"
#include "support/catch.hpp"
#include "support/host_device.hpp"
#include "support/random_weights.hpp"

using namespace fovea;

namespace {

// An H200, by the numbers of its data sheet and of compute capability 9.0.
constexpr std::string_view h200 = R"({"maxGridSize": [2147483647, 65535, 65535], "maxBlockSize": [1024, 1024, 64],
    "regsPerBlock": 65536, "multiProcessorCount": 132, "smClockRateKHz": 1980000, "memClockRateKHz": 3201000,
    "l2CacheSize": 62914560, "warpSize": 32, "maxSharedMemoryPerBlock": 49152, "maxSharedMemoryPerBlockOptin": 232448,
    "reservedSharedMemoryPerBlock": 1024, "maxRegistersPerSM": 65536, "pciDeviceId": 0, "maxCtasPerSM": 32,
    "maxThreadsPerBlock": 1024, "maxThreadsPerSM": 2048, "isTccDriver": 0, "supportCoopLaunch": 1, "deviceVer": 900,
    "driverVer": 13000, "cudaDeviceId": 0, "deviceName": "NVIDIA H200", "totalGlobalMem": 150000000000})";

// Puts nothing anywhere, and writes down what a library would be asked for, which takes all of it.
struct listing_device : fovea_test::host_device {
    struct nothing_done final : convolution_plan {
        void run(const library_convolution&) const override {}
        number_format filters() const override { return number_format::float32; }
    };
    static inline std::set<convolution_shape> asked{};
    static inline const nothing_done plan{};
    template <class Kernel> static void launch(void*, const Kernel&, int) {}
    void open_convolutions() {}
    const convolution_plan* find_convolution(const library_convolution& l, const notice_function&) {
        asked.insert(l.shape);
        return cudnn_has(l.shape.activation) ? &plan : nullptr;
    }
    void save_convolutions(const notice_function&) {}
};
struct listed : on_device<listing_device> {};
std::unique_ptr<engine> make_engine(listed, const graph& g, const weight_store& w) {
    return std::make_unique<device_engine<listed>>(g, w, std::make_unique<listing_device>());
}
std::unique_ptr<training_engine> make_training_engine(listed, const graph& g, weight_store& weights,
                                                      gradient_store<float>& gradients, const training_options& o) {
    return std::make_unique<device_training_engine<listing_device>>(g, weights, gradients, o,
                                                                    std::make_shared<listing_device>());
}

const cudnn_descriptor& device() {
    static const cudnn_descriptor d = described_device(h200);
    return d;
}
// The engines of which one would be chosen, for filters in the first of their formats that there are engines for.
std::vector<cudnn_descriptor> engines_for(const convolution_shape& s, std::string& reason) {
    for (auto filters : formats_of_filters(s)) {
        const cudnn_convolution_graph graph(s, filters);
        for (auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
            auto engines = cudnn_engines(graph.operations(), mode, &device(), reason);
            std::erase_if(engines, [](auto& e) { return !sums_as_asked(e); });
            if (!engines.empty()) return engines;
        }
    }
    return {};
}
bool has_engines(const convolution_shape& s) {
    std::string reason;
    const bool has = !engines_for(s, reason).empty();
    if (!has) UNSCOPED_INFO(reason);
    return has;
}

constexpr precision_kind rounding[] = {precision_kind::bfloat16, precision_kind::float16,
                                       precision_kind::tensor_float32};

// Of an image of 270x480 pixels, whole or in tiles of that side.
template <class Network> std::set<convolution_shape> convolutions_of(precision_kind p, int tile = 0) {
    listing_device::asked.clear();
    model<Network, listed> net(fovea_test::random_weights<Network>(), {.precision = p});
    net(tensor<float>(1, 270, 480, 3).view(), {.how = schedule{tile, tile, 0}});
    return listing_device::asked;
}
// fused: so many of its shapes of convolutions are part of a kernel of fovea's in 16 bits.
template <class Network> void check_supported(std::size_t shapes, std::size_t fused = 0) {
    for (auto p : rounding) {
        const auto all = convolutions_of<Network>(p);
        CHECK(all.size() == (p == precision_kind::tensor_float32 ? shapes : shapes - fused));
        for (auto& s : all) {
            INFO(name_of(p) << ": " << s.name());
            if (cudnn_has(s.activation)) CHECK(has_engines(s));
        }
    }
}

// What a training step asks for: how many shapes of each kind.
struct asked_for {
    std::size_t values, with_activation, input_gradients, with_slopes, with_biases, weight_gradients;
    bool operator==(const asked_for&) const = default;
};
std::ostream& operator<<(std::ostream& to, const asked_for& a) {
    return to << a.values << ", " << a.with_activation << ", " << a.input_gradients << ", " << a.with_slopes << ", "
              << a.with_biases << ", " << a.weight_gradients;
}
template <class Network>
void check_trained(int batch, int side, const asked_for& expected, const std::vector<precision_kind>& precisions,
                   bool input_gradient = false) {
    for (auto p : precisions) {
        trainable<Network, listed> net({.input_gradient = input_gradient, .precision = p});
        listing_device::asked.clear();
        net.forward(tensor<float>(batch, side, side, 3).view());
        asked_for asked{};
        for (auto& s : listing_device::asked) {
            INFO(name_of(p) << ": " << s.name());
            const bool differentiates = s.role == activation_role::differentiated;
            asked.values += s.pass == convolution_pass::values;
            asked.input_gradients += s.pass == convolution_pass::input_gradient;
            asked.weight_gradients += s.pass == convolution_pass::weight_gradient;
            asked.with_activation += s.role == activation_role::kept;
            asked.with_slopes += differentiates, asked.with_biases += differentiates && s.bias;
            CHECK(has_engines(s));
        }
        CHECK(asked == expected);
    }
}

} // namespace

TEST_CASE("cudnn: the library fits") { CHECK_NOTHROW(fovea::detail::check_cudnn_version()); }

TEST_CASE("cudnn: SuperCool's convolutions") {
    check_supported<zoo::supercool<2, 64, 2, 2>>(4);
    check_supported<zoo::supercool<4, 128, 2, 2>>(4);
}
TEST_CASE("cudnn: VapSR's convolutions") {
    // The two of the attention branch.
    check_supported<zoo::vapsr_network<2, 48, 64, 1>>(7, 2);
    check_supported<zoo::vapsr_network<2, 64, 48, 1, 3>>(7, 2);
    check_supported<zoo::vapsr_network<4, 32, 64, 1, 1, 2>>(7, 2);
}
TEST_CASE("cudnn: Real-ESRGAN's convolutions") { check_supported<zoo::realesr_compact<64, 2, 4>>(3); }
TEST_CASE("cudnn: convolutions with strides, groups and without a bias") {
    using net = sequential<conv<3, 64, 3>, conv<64, 128, 3, relu, conv_options{.stride = 2}>,
                           conv<128, 32, 1, identity, conv_options{.bias = false}>,
                           conv<32, 32, 3, identity, conv_options{.groups = 2}>, conv<32, 3, 3>>;
    check_supported<net>(5);
}
TEST_CASE("cudnn: tiles of images") {
    const auto all = convolutions_of<zoo::supercool<2, 64, 2, 2>>(precision_kind::bfloat16, 128);
    CHECK(all.size() > 20);
    bool inner = false, cut = false;
    for (auto& s : all) {
        INFO(s.name());
        CHECK(has_engines(s));
        inner |= s.kernel > 1 && s.top + s.bottom + s.left + s.right == 0, cut |= s.top != s.bottom;
    }
    CHECK((inner && cut));
}
TEST_CASE("cudnn: a training step's convolutions and their gradients") {
    // An input's gradient without strides is a convolution, too. Those of the activation and the bias before are part
    // of it.
    using enum precision_kind; // not all of each: asking cuDNN takes a while
    check_trained<zoo::supercool<4, 64, 2, 2>>(32, 64, {7, 1, 0, 1, 1, 4}, {bfloat16, float16, tensor_float32});
    check_trained<zoo::vapsr_network<2, 48, 64, 1>>(16, 64, {13, 2, 0, 1, 1, 7}, {bfloat16});
    check_trained<zoo::vapsr_network<2, 64, 48, 1, 3>>(16, 64, {13, 2, 0, 1, 1, 7}, {tensor_float32});
    // Also the gradient of an image that it looks at.
    check_trained<zoo::critic_small>(8, 256, {42, 7, 7, 11, 4, 24}, {bfloat16}, true);
    using chain = sequential<conv<3, 64, 3, relu>, conv<64, 48, 3, leaky_relu<1, 5>>, conv<48, 64, 3, gelu>,
                             conv<64, 32, 3, silu, conv_options{.stride = 2}>, conv<32, 32, 1>>;
    check_trained<chain>(8, 64, {8, 4, 1, 4, 4, 5}, {bfloat16, float16, tensor_float32});
}
TEST_CASE("cudnn: the code of fused convolutions compiles") {
    for (auto p : {precision_kind::bfloat16, precision_kind::tensor_float32})
        for (auto& s : convolutions_of<zoo::supercool<2, 64, 2, 1>>(p)) {
            INFO(s.name());
            std::string reason;
            const auto engines = engines_for(s, reason);
            REQUIRE(!engines.empty());
            if (!cudnn_plan::of(engines.front(), nullptr, &device(), reason)) // only then is it loaded
                CHECK_THAT(reason, Catch::Contains("cuLibraryLoadData"));
        }
}
TEST_CASE("cudnn: plans are written and read") {
    std::string reason;
    int made = 0;
    for (auto& s : convolutions_of<zoo::supercool<2, 64, 2, 1>>(precision_kind::tensor_float32)) {
        if (s.inputs != 3) continue; // an engine that is not compiled first, whose plan needs no driver
        for (auto& e : engines_for(s, reason)) {
            const auto plan = cudnn_plan::of(e, nullptr, &device(), reason);
            if (!plan) continue;
            ++made;
            const std::string text = plan->text();
            const auto again = cudnn_plan::of(text, nullptr, &device(), reason);
            REQUIRE(again);
            CHECK(again->text() == text);
            CHECK(again->workspace() == plan->workspace());
        }
    }
    CHECK(made > 0);
    CHECK(!cudnn_plan::of("{\"damaged\": 1", nullptr, &device(), reason));
    CHECK(!reason.empty());
}
TEST_CASE("cudnn: what no engine has is said") {
    CHECK(!cudnn_has(activation_kind::unit_range)); // relu with a limit above: no engine in 16 bits
    CHECK_THROWS_WITH(described_device("{}"), Catch::StartsWith("cuDNN: "));
    std::string reason;
    const convolution_shape::tensor t{number_format::bfloat16, 480 * 64, 270 * 480 * 64, 16};
    const convolution_shape depthwise{.height = 270,
                                      .width = 480,
                                      .inputs = 64,
                                      .out_height = 270,
                                      .out_width = 480,
                                      .outputs = 64,
                                      .top = 1,
                                      .bottom = 1,
                                      .left = 1,
                                      .right = 1,
                                      .kernel = 3,
                                      .groups = 64,
                                      .activation = activation_kind::gelu, // more than a bias
                                      .bias = true,
                                      .x = t,
                                      .y = t};
    CHECK(engines_for(depthwise, reason).empty());
    CHECK(!reason.empty());
}
