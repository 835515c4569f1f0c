// VapSR's attention branch as one operation, in 16 bits: beside the operations that it takes the place of, and beside
// the reference backend in float32.
#pragma once
#include "support/layers.hpp"

namespace fovea_test {

template <int Features, int Hidden, int Kernel>
using attention_network =
    sequential<conv<3, Features, 3>, zoo::vapsr_block<Features, Hidden, Kernel>, conv<Features, 3, 3>>;

// Half the distance of two numbers next to each other, in parts of them.
inline double rounding_of(precision_kind p) { return p == precision_kind::bfloat16 ? 1. / 512 : 1. / 4096; }

// Smaller than what the branch reads around a pixel, wide, tall; several strips and pieces.
#if FOVEA_SANITIZED
inline constexpr extent attention_sizes[] = {{3, 5}, {26, 29}};
#else
inline constexpr extent attention_sizes[] = {{1, 1}, {3, 5}, {9, 61}, {50, 7}, {37, 29}};
#endif

template <class Network, class Backend> void check_attention(precision_kind precision) {
    const auto weights = random_weights<Network>();
    const model<Network, Backend> exact(weights);
    model<Network, reference> plain(weights);
    model<Network, Backend> fused(weights, {.precision = precision});
    model<Network, Backend> parts(weights, {.convolution = convolution_method::direct, .precision = precision});
    CHECK(exact.traced().operations.size() == parts.traced().operations.size()); // float32 stays as it was traced
    REQUIRE(fused.traced().operations.size() + 4 == parts.traced().operations.size());
    const double rounding = rounding_of(precision);
    for (extent size : attention_sizes) {
        INFO(name_of(precision) << ", " << size.width << "x" << size.height);
        const int images = size.height * size.width < 64 ? 8 : 2; // enough numbers for a mean
        const auto x = random_tensor(images, size.height, size.width, 3);
        const auto y = fused(x.view());
        // From the image to the last convolution, numbers are rounded eight times where they lie (x, a, three in the
        // branch, out, the image's and the last filters) and those of three 1x1 convolutions once; the loss is that of
        // one number at most as often, and sums over channels average it.
        CHECK(relative_error(plain(x.view()), y) < 8 * rounding);
        // The parts round y before LayerNorm and the depthwise filters, too; and where a sum in another order moves a
        // number of the branch to the next, so does one of the three roundings that both have.
        CHECK(relative_error(parts(x.view()), y) < 6 * rounding);
    }
}

template <class Backend> void check_attention() {
    for (auto precision : {precision_kind::bfloat16, precision_kind::float16}) {
        check_attention<attention_network<48, 64, 1>, Backend>(precision);
        check_attention<attention_network<32, 64, 1>, Backend>(precision);
        check_attention<attention_network<64, 48, 3>, Backend>(precision);
    }
}

} // namespace fovea_test
