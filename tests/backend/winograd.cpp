// Winograd's convolution of every instruction set against plain loops in double precision.
#include "fovea/graph/graph.hpp"
#include "support/operation.hpp"
#include "support/reference_loops.hpp"

using namespace fovea_test;
using fovea::activation_kind;

namespace {

struct winograd_setting {
    int inputs, outputs;
    activation_kind activation = activation_kind::identity;
    bool bias = true, skip = false;
    int tile = 4;
};

struct winograd_filters {
    aligned_bytes packed;
    operation op;

    winograd_filters(const fovea::kernel_table& kernels, const winograd_setting& s, const std::vector<float>& w,
                     const std::vector<float>& bias) {
        fovea::preparation_call p;
        p.a.kernel = 3;
        p.a.tile = s.tile;
        p.a.activation = s.activation;
        p.a.slope = 0.2f;
        p.w[0] = w.data();
        p.dims[0] = {s.outputs, s.inputs, 3, 3};
        packed = aligned_bytes(kernels.packed_winograd_bytes(p));
        p.out = packed.get();
        kernels.pack_winograd(p);
        op.run = kernels.winograd;
        op.scratch = kernels.winograd_scratch;
        op.a = p.a;
        op.dims = p.dims[0];
        op.w = {packed.get(), s.bias ? bias.data() : nullptr};
        op.footprint = [tile = s.tile](range r, int size) {
            return fovea::footprint{.radius = 1, .grain = tile}(r, size);
        };
    }
};

std::vector<float> weights_of(
    const winograd_setting& s) { // sums of variance one third, like activations behind trained layers
    const float limit = std::sqrt(3.f / float(9 * s.inputs));
    return random_floats(std::size_t(9 * s.inputs * s.outputs), 1, -limit, limit);
}

double largest(const std::vector<double>& v) {
    double most = 0;
    for (double x : v) most = std::max(most, std::fabs(x));
    return most;
}

// Against the scale of the outputs. A product's rounding is amplified by the two output transforms, by at most the
// square of their largest sum of absolute values, 7.4; that of the transformed input by as much again. Both are rarely
// near that together: 2^-24 times 7.4^2 would be 3e-6, and 1e-5 leaves room for sums over many channels. Tiles of 6x6
// are four times less exact.
double tolerance_of(const winograd_setting& s) { return s.tile == 6 ? 4e-5 : 1e-5; }

void check_winograd_tile(const winograd_setting& s, int images, int height, int width) {
    const auto w = weights_of(s), bias = random_floats(std::size_t(s.outputs), 2);
    const tensor x = random_tensor(images, height, width, s.inputs, 3);
    const tensor skip = random_tensor(images, height, width, s.outputs, 4);
    std::vector<const tensor*> in{&x};
    if (s.skip) in.push_back(&skip);
    std::vector<double> expected;
    for (const auto* kernels : all_kernels()) {
        INFO(kernels->name << " tile " << s.tile << ", " << s.inputs << "->" << s.outputs << " on " << height << "x"
                           << width << " activation " << int(s.activation) << " bias " << s.bias << " skip " << s.skip);
        const winograd_filters p(*kernels, s, w, bias);
        if (expected.empty())
            expected = reference_convolution(x, w, s.bias ? bias.data() : nullptr, s.skip ? &skip : nullptr, p.op.a,
                                             s.outputs, height, width);
        const tensor y = result(p.op, in, height, width, s.outputs);
        CHECK(difference(y.data, expected) < tolerance_of(s) * std::max(1., largest(expected)));
    }
}

void check_winograd(winograd_setting s, int images, int height, int width) {
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
    for (auto act : {activation_kind::identity, activation_kind::relu, activation_kind::leaky_relu,
                     activation_kind::silu, activation_kind::gelu, activation_kind::unit_range})
        for (bool skip : {false, true})
            for (bool bias : {false, true})
                check_winograd({.inputs = 18, .outputs = 35, .activation = act, .bias = bias, .skip = skip}, 2, 6, 23);
}

TEST_CASE("Winograd adds to its own output where that is the skip") {
    for (const auto* kernels : all_kernels())
        for (int tile : {4, 6}) {
            const winograd_setting s{.inputs = 20, .outputs = 40, .tile = tile};
            const auto w = weights_of(s), bias = random_floats(40, 2);
            const winograd_filters p(*kernels, s, w, bias);
            const tensor x = random_tensor(1, 9, 22, 20, 3), skip = random_tensor(1, 9, 22, 40, 4);
            tensor apart(1, 9, 22, 40), in_place = skip;
            compute(p.op, {&x, &skip}, apart, {0, 9}, {0, 22});
            kept from(1, 9, 22, 20, {-1, 13}, {-1, 25}), both(1, 9, 22, 40, {0, 9}, {0, 22});
            from.fill(x), both.fill(skip);
            fovea::call c;
            c.a = p.op.a, c.dims = p.op.dims;
            c.images = {0, 1}, c.rows = {0, 9}, c.cols = {0, 22};
            c.x = {from.view, both.view}, c.y = both.view;
            std::copy(p.op.w.begin(), p.op.w.end(), c.w.begin());
            const aligned_bytes scratch(kernels->winograd_scratch(c));
            c.scratch = scratch.get();
            kernels->winograd(c);
            both.copy_to(in_place);
            CHECK(in_place.data == apart.data);
        }
}

TEST_CASE("a NaN reaches every output of Winograd that it is part of, and none beyond the tiles of those") {
    for (const auto* kernels : all_kernels())
        for (int tile : {4, 6}) {
            INFO(kernels->name << ", tile " << tile);
            const winograd_setting s{.inputs = 16, .outputs = 16, .tile = tile};
            const auto w = weights_of(s), bias = random_floats(16, 2);
            const winograd_filters p(*kernels, s, w, bias);
            tensor x = random_tensor(1, 13, 21, 16, 5);
            x(0, 4, 10, 3) = std::numeric_limits<float>::quiet_NaN();
            const tensor y = result(p.op, {&x}, 13, 21, 16);
            const auto touches = [tile](int i, int at) { return tile * i - 1 <= at && at <= tile * (i + 1); };
            for (int i = 0; i < 13; ++i)
                for (int j = 0; j < 21; ++j) {
                    const bool seen = std::abs(i - 4) <= 1 && std::abs(j - 10) <= 1;
                    const bool near = touches(i / tile, 4) && touches(j / tile, 10);
                    for (int k = 0; k < 16; ++k) {
                        if (seen) CHECK(std::isnan(y(0, i, j, k)));
                        if (!near) CHECK(!std::isnan(y(0, i, j, k)));
                    }
                }
        }
}
