// Training on a GPU: every layer against the reference backend, steps beside its.
#include "fovea/fovea_cuda.cuh"
#include "support/gpu.cuh"
#include "support/training_steps.hpp"

using namespace fovea_test;

TEST_CASE("training on a GPU: every layer") {
    FOVEA_NEEDS_GPU();
    check_trained_convolutions<cuda>();
    check_trained_strides<cuda>();
    check_trained_depthwise<cuda>();
    check_trained_activations<cuda>();
    check_trained_normalisations<cuda>();
    check_trained_sizes<cuda>();
    check_trained_networks<cuda>();
}

TEST_CASE("training on a GPU: steps follow those on the host") {
    FOVEA_NEEDS_GPU();
    check_training_steps<cuda, reference>();
    check_own_loss<cuda, reference>();
}

TEST_CASE("training on a GPU: 200 steps follow those on the host") {
    FOVEA_NEEDS_GPU();
    check_long_run<cuda, reference>();
}

TEST_CASE("training on a GPU: a run goes on where the other stopped") {
    FOVEA_NEEDS_GPU();
    check_resume<cuda, reference>();
}

TEST_CASE("training on a GPU: a step that is not finite changes nothing") {
    FOVEA_NEEDS_GPU();
    check_bad_steps<cuda>();
}
