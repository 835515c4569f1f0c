// Every layer by the GPU's kernels, run on the host, against the reference backend; and in every schedule the same
// bits.
#include "support/layers.hpp"
#include "support/exactness.hpp"
#include "support/host_device.hpp"

using namespace fovea_test;

TEST_CASE("kernels of the GPU: convolutions") { check_convolutions<device_on_host>(); }
TEST_CASE("kernels of the GPU: depthwise convolutions") { check_depthwise<device_on_host>(); }
TEST_CASE("kernels of the GPU: activations and normalisations") { check_activations<device_on_host>(); }
TEST_CASE("kernels of the GPU: a user's activation, alone and in a convolution") {
    check_own_activation<device_on_host>();
}
TEST_CASE("kernels of the GPU: layers that change the size") { check_sizes<device_on_host>(); }
TEST_CASE("kernels of the GPU: branches") { check_branches<device_on_host>(); }
TEST_CASE("kernels of the GPU: VapSR's block") { check_vapsr_blocks<device_on_host>(); }

TEST_CASE("kernels of the GPU: a pixel's bits do not depend on the schedule") {
    check_exactness<zoo::vapsr_network<2, 16, 24, 2>, device_on_host>({{23, 31}});
    check_exactness<sum<sequential<conv<3, 20, 3, silu>, conv<20, 12, 3>, pixel_shuffle<2>>, upsample<2>>,
                    device_on_host>({{19, 40}});
}
