// Winograd's convolution of every instruction set against plain loops in double precision.
#include "support/convolution_case.hpp"

using namespace fovea_test;

namespace {

// Weights within such limits give sums of variance one third, like activations behind trained layers.
float limit_of(const convolution_setting& s) { return std::sqrt(3.f / float(s.terms())); }

double largest(const std::vector<double>& v) {
    double most = 0;
    for (double x : v) most = std::max(most, std::fabs(x));
    return most;
}

// Against the scale of the outputs. A product's rounding is amplified by the two output transforms, by at most the
// square of their largest sum of absolute values, 7.4; that of the transformed input by as much again. Both are rarely
// near that together: 2^-24 times 7.4^2 would be 3e-6, and 1e-5 leaves room for sums over many channels. Tiles of 6x6
// are four times less exact.
double tolerance_of(const convolution_setting& s) { return s.tile == 6 ? 4e-5 : 1e-5; }

void check_winograd_tile(const convolution_setting& s, int images, int height, int width) {
    const convolution_case c(s, images, height, width, limit_of(s));
    const auto expected = c.by_loops();
    for (const auto* kernels : all_kernels()) {
        INFO(kernels->name << " " << c.text());
        CHECK(difference(c.by(winograd_kernels(*kernels)), expected) <
              tolerance_of(s) * std::max(1., largest(expected)));
    }
}

void check_winograd(convolution_setting s, int images, int height, int width) {
    s.kernel = 3;
    for (int tile : {4, 6}) {
        s.tile = tile;
        check_winograd_tile(s, images, height, width);
    }
}

} // namespace

TEST_CASE("Winograd over odd shapes equals plain loops and does not depend on how it is cut") {
#if FOVEA_SANITIZED
    const auto channels = {16, 17, 64};
#else
    const auto channels = {16, 17, 48, 56, 64, 128};
#endif
    for (int inputs : channels)
        for (int outputs : channels)
            for (auto [h, w] : {std::pair{1, 1}, {1, 7}, {5, 3}, {13, 19}})
                check_winograd({.inputs = inputs, .outputs = outputs}, 1, h, w);
    check_winograd({.inputs = 16, .outputs = 17}, 2, 37, 53);
    check_winograd({.inputs = 48, .outputs = 56}, 1, 37, 53);
    check_winograd({.inputs = 17, .outputs = 48}, 1, 37, 53);
    check_winograd({.inputs = 64, .outputs = 16}, 1, 37, 53);
}

TEST_CASE("Winograd of few channels, when it is asked for") {
    for (int inputs : {1, 3, 5})
        for (int outputs : {1, 3, 12}) check_winograd({.inputs = inputs, .outputs = outputs}, 1, 9, 14);
}

TEST_CASE("Winograd of more channels than a group of tiles fits the cache with") {
    check_winograd({.inputs = 700, .outputs = 20}, 1, 9, 53);
}

TEST_CASE("Winograd with activations and a skip") {
    for (auto act : all_activations)
        for (bool skip : {false, true})
            for (bool bias : {false, true})
                check_winograd({.inputs = 18, .outputs = 35, .activation = act, .bias = bias, .skip = skip}, 2, 6, 23);
}

TEST_CASE("Winograd adds to its own output where that is the skip") {
    for (const auto* kernels : all_kernels())
        for (int tile : {4, 6}) {
            const convolution_setting s{.inputs = 20, .outputs = 40, .kernel = 3, .skip = true, .tile = tile};
            const convolution_case c(s, 1, 9, 22, limit_of(s));
            const kernel_case k = convolution_kernel(winograd_kernels(*kernels), s, c.w, c.bias.data());
            float_tensor apart(1, 9, 22, 40), in_place(1, 9, 22, 40);
            k.compute({&c.x, &c.skip}, apart, {0, 9}, {0, 22});
            kept from(1, 9, 22, 20, {-1, 13}, {-1, 25}), both(1, 9, 22, 40, {0, 9}, {0, 22});
            from.fill(c.x.view()), both.fill(c.skip.view());
            const fovea::window inputs[] = {from.view, both.view};
            k.execute(k.call_for(inputs, both.view, 1, {0, 9}, {0, 22}));
            both.copy_to(in_place.view());
            CHECK(same_bits(in_place, apart));
        }
}

TEST_CASE("a NaN reaches every output of Winograd that it is part of, and none beyond the tiles of those") {
    for (const auto* kernels : all_kernels())
        for (int tile : {4, 6}) {
            INFO(kernels->name << ", tile " << tile);
            const convolution_setting s{.inputs = 16, .outputs = 16, .kernel = 3, .tile = tile};
            const convolution_case c(s, 1, 13, 21, limit_of(s));
            const kernel_case k = convolution_kernel(winograd_kernels(*kernels), s, c.w, c.bias.data());
            float_tensor x = signed_tensor(1, 13, 21, 16, 5);
            x.at(0, 4, 10)[3] = std::numeric_limits<float>::quiet_NaN();
            const float_tensor y = k.result({&x}, 13, 21, 16);
            const auto touches = [tile](int i, int at) { return tile * i - 1 <= at && at <= tile * (i + 1); };
            for (int i = 0; i < 13; ++i)
                for (int j = 0; j < 21; ++j) {
                    const bool seen = std::abs(i - 4) <= 1 && std::abs(j - 10) <= 1;
                    const bool near = touches(i / tile, 4) && touches(j / tile, 10);
                    for (int o = 0; o < 16; ++o) {
                        if (seen) CHECK(std::isnan(y.at(0, i, j)[o]));
                        if (!near) CHECK(!std::isnan(y.at(0, i, j)[o]));
                    }
                }
        }
}
