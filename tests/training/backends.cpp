// Training passes on the cpu backend against the reference backend, for every set of kernels, and against themselves
// with other numbers of threads.
#include "support/training.hpp"

using namespace fovea_test;

namespace {

template <class Network> void same_with_threads(int batch, int height, int width) {
    const results one = train_once<Network, cpu>(batch, height, width);
    for (int n : {2, 3, 8}) {
        INFO(n << " threads");
        context threads({.threads = n});
        const results many = train_once<Network, cpu>(batch, height, width, {.threads = &threads});
        CHECK(fovea_test::same_bits(one.y, many.y));
        CHECK(fovea_test::same_bits(one.dx, many.dx));
        CHECK(one.gradients == many.gradients);
        CHECK(one.buffers == many.buffers);
    }
}

} // namespace

TEST_CASE("training: convolutions on the cpu") { check_trained_convolutions<cpu>(); }
TEST_CASE("training: strided convolutions on the cpu") { check_trained_strides<cpu>(); }
TEST_CASE("training: convolutions with less padding on the cpu") { check_trained_padding<cpu>(); }
TEST_CASE("training: depthwise convolutions on the cpu") { check_trained_depthwise<cpu>(); }
TEST_CASE("training: activations on the cpu") { check_trained_activations<cpu>(); }
TEST_CASE("training: normalisations on the cpu") { check_trained_normalisations<cpu>(); }
TEST_CASE("training: other sizes on the cpu") { check_trained_sizes<cpu>(); }
TEST_CASE("training: networks on the cpu") { check_trained_networks<cpu>(); }
TEST_CASE("training: the number of threads changes no bit") {
    same_with_threads<zoo::supercool<2, 32, 2, 3>>(3, 45, 37);
    same_with_threads<zoo::vapsr_network<2, 16, 24, 2>>(2, 70, 33);
    same_with_threads<sequential<zoo::bottleneck<16, 8, 24>, zoo::bottleneck<24, 8, 32, 2>>>(5, 64, 63);
}
