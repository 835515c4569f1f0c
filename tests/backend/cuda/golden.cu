// Golden tensors of the published networks on a GPU.
#include "fovea/engine/cuda/cuda.cuh"
#include "support/golden.hpp"
#include "support/gpu.cuh"

TEST_CASE("golden tensors on a GPU") {
    FOVEA_NEEDS_GPU();
    fovea_test::compare_all_golden<fovea::cuda>();
}

// bf16 has 2^-9 of a number as its rounding, fp16 and TF32 2^-12; the worst of all pixels behind some hundred of them.
TEST_CASE("golden tensors on a GPU in other precisions") {
    FOVEA_NEEDS_GPU();
    if (FOVEA_WITH_CUDNN) fovea_test::compare_all_golden<fovea::cuda>({fovea::precision_kind::tensor_float32, 1e-3});
    fovea_test::compare_all_golden<fovea::cuda>({fovea::precision_kind::float16, 1e-2});
    fovea_test::compare_all_golden<fovea::cuda>({fovea::precision_kind::bfloat16, 5e-2});
}
