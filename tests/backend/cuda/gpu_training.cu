// Training on a GPU: every layer against the reference backend, steps beside its.
#include "fovea/fovea_cuda.cuh"
#include "support/adversarial_steps.hpp"
#include "support/gpu.cuh"
#include "support/lpips.hpp"
#include "support/metrics.hpp"
#include "support/training_formats.hpp"

using namespace fovea_test;

namespace {

struct trains_unrecorded : on_device<cuda_device> {};

std::unique_ptr<training_engine> make_training_engine(trains_unrecorded, const graph& g, weight_store& weights,
                                                      gradient_store<float>& gradients, const training_options& o) {
    return std::make_unique<device_training_engine<cuda_device>>(g, weights, gradients, o,
                                                                 std::make_shared<cuda_device>(0, false));
}

} // namespace

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

TEST_CASE("training on a GPU: steps as graphs give the bits of single kernels") {
    FOVEA_NEEDS_GPU();
    check_recorded_steps<cuda, trains_unrecorded>();
    check_recorded_run<cuda, trains_unrecorded>();
}

TEST_CASE("adversarial training on a GPU follows that on the host") {
    FOVEA_NEEDS_GPU();
    check_adversarial_steps<cuda, reference>();
    check_recorded_duel<cuda, trains_unrecorded>();
    check_bad_duel<cuda>();
}

TEST_CASE("LPIPS on a GPU: distance and gradient as on the host") {
    FOVEA_NEEDS_GPU();
    check_lpips<cuda, reference>();
    check_lpips_steps<cuda, reference>();
}

TEST_CASE("training on a GPU: batches that are uploaded beside the step before") {
    FOVEA_NEEDS_GPU();
    check_staged_batches<cuda>();
}

TEST_CASE("training on a GPU in 16 bits") {
    FOVEA_NEEDS_GPU();
    check_half_gradients<cuda>();
    check_half_steps<cuda>();
    check_loss_scale<cuda>();
}

TEST_CASE("metrics on a GPU") {
    FOVEA_NEEDS_GPU();
    check_metrics<cuda_device>(std::make_shared<cuda_device>());
    check_lpips_metric<cuda, reference>();
}
