// Golden tensors of the published networks on a GPU.
#include "fovea/backend/cuda/cuda.cuh"
#include "support/golden.hpp"
#include "support/gpu.cuh"

TEST_CASE("golden tensors on a GPU") {
    FOVEA_NEEDS_GPU();
    fovea_test::compare_all_golden<fovea::cuda>();
}
