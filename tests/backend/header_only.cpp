// The kernels without the dispatch library, compiled for this translation unit's instruction set.
#include "fovea/backend/cpu/select.hpp"
#include "support/convolution_case.hpp"

using namespace fovea_test;

TEST_CASE("kernels compiled into the program") {
    REQUIRE(FOVEA_DISPATCH == 0);
    const fovea::convolution_kernels kernels{nullptr, FOVEA_CPU_KERNEL(convolution),
                                             FOVEA_CPU_KERNEL(packed_convolution_bytes),
                                             FOVEA_CPU_KERNEL(pack_convolution)};
    const convolution_case c({.inputs = 3, .outputs = 17, .kernel = 3, .bias = false}, 1, 5, 23, 1);
    // 27 products of values below 1: 27 roundings of at most 27 2^-24.
    CHECK(difference(c.by(kernels), c.by_loops()) < 1e-5);
}
