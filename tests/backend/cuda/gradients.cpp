// Training passes by the GPU's kernels, run on the host, against the reference backend.
#include "fovea/backend/cuda/gradients.hpp"
#include "support/host_device.hpp"
#include "support/training.hpp"

using namespace fovea_test;

TEST_CASE("gradients of the GPU: convolutions") { check_trained_convolutions<device_on_host>(); }
TEST_CASE("gradients of the GPU: strided convolutions") { check_trained_strides<device_on_host>(); }
TEST_CASE("gradients of the GPU: convolutions with less padding") { check_trained_padding<device_on_host>(); }
TEST_CASE("gradients of the GPU: depthwise convolutions") { check_trained_depthwise<device_on_host>(); }
TEST_CASE("gradients of the GPU: activations") { check_trained_activations<device_on_host>(); }
TEST_CASE("gradients of the GPU: normalisations") { check_trained_normalisations<device_on_host>(); }
TEST_CASE("gradients of the GPU: other sizes") { check_trained_sizes<device_on_host>(); }
TEST_CASE("gradients of the GPU: networks") { check_trained_networks<device_on_host>(); }
