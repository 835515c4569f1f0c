// Every convolution of the zoo's networks, with what follows it, is a graph that cuDNN's heuristics have engines for on
// a Hopper GPU. No GPU is needed, nor does anything run.
#include "fovea/backend/cuda/cudnn_convolution.cuh"
#include "fovea/backend/cuda/cudnn_plan.cuh"
#include "support/catch.hpp"

using namespace fovea;

namespace {

// An H200, by the numbers of its data sheet and of compute capability 9.0.
constexpr std::string_view h200 = R"({"maxGridSize": [2147483647, 65535, 65535], "maxBlockSize": [1024, 1024, 64],
    "regsPerBlock": 65536, "multiProcessorCount": 132, "smClockRateKHz": 1980000, "memClockRateKHz": 3201000,
    "l2CacheSize": 62914560, "warpSize": 32, "maxSharedMemoryPerBlock": 49152, "maxSharedMemoryPerBlockOptin": 232448,
    "reservedSharedMemoryPerBlock": 1024, "maxRegistersPerSM": 65536, "pciDeviceId": 0, "maxCtasPerSM": 32,
    "maxThreadsPerBlock": 1024, "maxThreadsPerSM": 2048, "isTccDriver": 0, "supportCoopLaunch": 1, "deviceVer": 900,
    "driverVer": 13000, "cudaDeviceId": 0, "deviceName": "NVIDIA H200", "totalGlobalMem": 150000000000})";

void check_supported(cudnn_convolution_key key) {
    static const cudnn_descriptor device = described_device(h200);
    for (auto type : {CUDNN_DATA_BFLOAT16, CUDNN_DATA_HALF, CUDNN_DATA_FLOAT}) {
        key.type = type;
        INFO(key.inputs << " to " << key.outputs << ", kernel " << key.kernel << ", activation " << int(key.activation)
                        << ", skip " << key.skip << ", type " << type);
        std::string reason;
        const cudnn_convolution_graph g(key);
        CHECK(!cudnn_engines(g.operations(), CUDNN_HEUR_MODE_A, &device, reason).empty());
        CHECK(reason == "");
    }
}

cudnn_convolution_key of(int inputs, int outputs, int kernel, activation_kind a = activation_kind::identity,
                         bool skip = false) {
    return {.height = 270,
            .width = 480,
            .inputs = inputs,
            .outputs = outputs,
            .kernel = kernel,
            .activation = a,
            .bias = true,
            .skip = skip};
}

} // namespace

TEST_CASE("cudnn: the library fits") { CHECK_NOTHROW(fovea::detail::check_cudnn_version()); }

TEST_CASE("cudnn: SuperCool's convolutions") {
    check_supported(of(3, 64, 5));
    check_supported(of(64, 128, 3, activation_kind::silu));
    check_supported(of(128, 64, 3, activation_kind::identity, true));
    check_supported(of(64, 48, 3));
}
TEST_CASE("cudnn: VapSR's convolutions") {
    check_supported(of(3, 48, 3));
    check_supported(of(48, 64, 1, activation_kind::gelu));
    check_supported(of(64, 48, 3, activation_kind::gelu));
    check_supported(of(64, 64, 1));
    check_supported(of(64, 48, 1, activation_kind::identity, true));
    check_supported(of(48, 56, 3, activation_kind::leaky_relu));
    check_supported(of(56, 12, 3));
}
TEST_CASE("cudnn: other sizes") {
    auto key = of(64, 128, 3, activation_kind::relu);
    key.stride = 2;
    check_supported(key);
    key = of(32, 32, 3);
    key.groups = 2;
    check_supported(key);
    key = of(64, 64, 3);
    key.bias = false;
    check_supported(key);
}
TEST_CASE("cudnn: what no engine has is said") {
    CHECK(!cudnn_has(activation_kind::unit_range)); // relu with a limit above: no engine in 16 bits
    CHECK_THROWS_WITH(described_device("{}"), Catch::StartsWith("cuDNN: "));
    const cudnn_descriptor device = described_device(h200);
    std::string reason;
    auto key = of(64, 64, 3, activation_kind::gelu);
    key.groups = 64; // depthwise, with more than a bias
    CHECK(cudnn_engines(cudnn_convolution_graph(key).operations(), CUDNN_HEUR_MODE_A, &device, reason).empty());
    CHECK(!reason.empty());
}
