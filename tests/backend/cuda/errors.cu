// Why no GPU can be used is said in one line.
#include "support/catch.hpp"
#include "support/gpu.cuh"

using namespace fovea;
using fovea::detail::reason_without_gpu;

TEST_CASE("without a GPU: what is missing") {
    CHECK(reason_without_gpu(cudaErrorInsufficientDriver, 0, 13000) ==
          "this machine has no NVIDIA driver: expected one for CUDA 13.0 or later");
    CHECK(reason_without_gpu(cudaErrorInsufficientDriver, 12040, 13000) ==
          "the NVIDIA driver is for CUDA 12.4: expected one for CUDA 13.0 or later");
    CHECK_THAT(reason_without_gpu(cudaErrorNoDevice, 13000, 13000),
               Catch::Contains("CUDA_VISIBLE_DEVICES") && Catch::Contains("expected"));
    CHECK_THAT(reason_without_gpu(cudaErrorSystemNotReady, 13000, 13000), Catch::Contains("cudaErrorSystemNotReady"));
}

TEST_CASE("without a GPU: opening one is an error") {
    const auto found = find_gpus();
    if (found.count > 0) {
        CHECK_THROWS_WITH(cuda_device(found.count), Catch::Contains("expected 0 to"));
        return;
    }
    CHECK(!found.reason.empty());
    CHECK_THROWS_WITH(cuda_device(), Catch::StartsWith("CUDA: " + found.reason));
}
