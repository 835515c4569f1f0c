// LPIPS with its backbone as on a GPU, on a device that is the host, beside the CPU's.
#include "support/lpips.hpp"
#include "fovea/backend/cpu/cpu.hpp"
#include "support/host_training.hpp"

using namespace fovea_test;

TEST_CASE("LPIPS of the GPU: distance and gradient as on the CPU") { check_lpips<trained_on_host, cpu>(); }
