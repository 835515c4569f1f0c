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
TEST_CASE("training: 1x1 convolutions of short rows on the cpu") {
    for (int width = 1; width <= 20; ++width)
        for (int batch = 1; batch <= 3; ++batch) {
            check_training<cpu, conv<20, 33, 1>>(batch, 3, width);
            check_training<cpu, conv<34, 18, 1, identity, conv_options{.stride = 2, .bias = false}>>(batch, 4, width);
        }
    using between_margins = sequential<conv<3, 16, 3>, conv<16, 40, 1>, conv<40, 16, 3>>;
    check_training<cpu, between_margins>(3, 5, 7);
    // Pixels, and with a stride rows of dy, as far apart as L1 has no room.
    check_training<cpu, conv<512, 40, 1>>(3, 5, 7);
    check_training<cpu, sum<conv<256, 40, 1, silu, conv_options{.stride = 2}>,
                            conv<256, 40, 3, identity, conv_options{.stride = 2}>>>(2, 6, 9);
    check_training<cpu, conv<70, 512, 1>>(2, 19, 9); // more pixels than are packed at once
    check_training<cpu, conv<48, 30, 1>>(2, 19, 9);  // rows read where they are, as one
    check_training<cpu,
                   sequential<conv<3, 48, 3>, conv<48, 64, 1>, conv<64, 50, 1, identity, conv_options{.stride = 2}>>>(
        2, 3, 67); // long rows, read where they are
}
TEST_CASE("training: convolutions of many channels on small images on the cpu") {
    check_training<cpu, conv<80, 70, 3>>(3, 4, 4); // Winograd's tiles of several images, blocks of inputs and outputs
    check_training<cpu, conv<130, 68, 3>>(2, 9, 7);
    check_training<cpu, conv<200, 192, 3>>(2, 5, 6);                                      // the smaller tile
    check_training<cpu, conv<40, 24, 3, identity, conv_options{.stride = 2}>>(2, 21, 30); // several panels of columns
    check_training<cpu, conv<70, 9, 3, identity, conv_options{.dilation = 2}>>(2, 7, 9);
}
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
    using wide = sequential<zoo::bottleneck<32, 140, 256>, zoo::bottleneck<256, 130, 512, 2>>;
    same_with_threads<wide>(3, 9, 7);
}
