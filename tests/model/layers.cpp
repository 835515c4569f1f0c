// Every layer on the cpu backend against the reference backend, over odd shapes.
#include "support/layers.hpp"
#include "fovea/backend/cpu/cpu.hpp"

using namespace fovea_test;

TEST_CASE("convolutions") { check_convolutions<cpu>(); }
TEST_CASE("depthwise convolutions") { check_depthwise<cpu>(); }
TEST_CASE("activations and normalisations") { check_activations<cpu>(); }
TEST_CASE("a user's activation, alone and in a convolution") { check_own_activation<cpu>(); }
TEST_CASE("layers that change the size") { check_sizes<cpu>(); }
TEST_CASE("branches") { check_branches<cpu>(); }
TEST_CASE("VapSR's fused block is the sum of its parts") { check_vapsr_blocks<cpu>(); }
