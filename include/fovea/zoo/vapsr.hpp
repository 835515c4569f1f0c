// VapSR: a network of attention blocks with large dilated depthwise kernels. Zhou et al. 2022, arXiv 2210.05960.
//
//   feat = conv_first(x); out = upsampler(feat + conv_body(block_n(... block_1(feat))))
#pragma once
#include "fovea/graph/cost.hpp"
#include "fovea/layers/compose.hpp"
#include "fovea/layers/conv.hpp"
#include "fovea/layers/norm.hpp"
#include "fovea/layers/resize.hpp"
#include "fovea/ops/attention_block.hpp"
#include "fovea/ops/attention_branch.hpp"

namespace fovea::zoo {

// Large-kernel attention: y = a * g(a), where g is a pointwise convolution, a 5x5 depthwise convolution, and a 5x5
// depthwise convolution with dilation 3.
template <int Hidden> struct large_kernel_attention : maps<Hidden, Hidden> {
    template <class T, ratio S> static constexpr value<Hidden, S> trace(T& t, value<Hidden, S> a) {
        auto x = apply<conv<Hidden, Hidden, 1>>(t, "pointwise", a);
        x = apply<depthwise<Hidden, 5>>(t, "depthwise", x);
        if constexpr (T::template fuses<gated_depthwise_conv2d>)
            return trace_gated(t, x, a);
        else
            return times(t, a, apply<depthwise<Hidden, 5, identity, 3>>(t, "depthwise_dilated", x));
    }

  private:
    template <class T, ratio S>
    static constexpr value<Hidden, S> trace_gated(T& t, value<Hidden, S> x, value<Hidden, S> gate) {
        const int outer = t.enter("depthwise_dilated");
        const operation o{.x = {x.id, gate.id},
                          .w = {t.parameter("weight", {Hidden, 1, 5, 5}), t.parameter("bias", {Hidden, 1, 1, 1})},
                          .a = {.kernel = 5, .dilation = 3, .groups = Hidden},
                          .reads = {.radius = 6},
                          .work = 25. * Hidden};
        t.scope = outer;
        return t.template emit<gated_depthwise_conv2d, Hidden, S>(o);
    }
};

// y = LayerNorm(proj_2(attention(a)) + x) with a = GELU(proj_1(x)); Kernel is the kernel of proj_1.
template <int Features, int Hidden, int Kernel> struct vapsr_block : maps<Features, Features> {
    template <class T, ratio S> static constexpr value<Features, S> trace(T& t, value<Features, S> x) {
        using fused = attention_block<Features, Hidden, Kernel>;
        if constexpr (T::template fuses<fused>)
            return trace_fused<fused>(t, x);
        else {
            auto a = apply<conv<Features, Hidden, Kernel, gelu>>(t, "proj_1", x);
            const auto behind = t.here();
            auto attention = apply<large_kernel_attention<Hidden>>(t, "atten_branch", a);
            auto y = apply<conv<Hidden, Features, 1>>(t, "proj_2", attention, x);
            auto out = apply<layer_norm<Features>>(t, "pixel_norm", y);
            using branch = attention_branch<Features, Hidden>;
            if constexpr (T::template fuses<branch>)
                t.template may_fuse<branch>(behind, {.x = {a.id, x.id},
                                                     .reads = {.radius = radius},
                                                     .work = cost::attention_branch(Features, Hidden),
                                                     .recomputed = radius});
            return out;
        }
    }

  private:
    static constexpr int radius = 8; // of the two depthwise convolutions together

    template <class Fused, class T, ratio S>
    static constexpr value<Features, S> trace_fused(T& t, value<Features, S> x) {
        operation o{.x = {x.id},
                    .a = {.kernel = Kernel, .hidden = Hidden},
                    .reads = {.radius = radius + Kernel / 2},
                    .work = cost::attention_block(Features, Hidden, Kernel),
                    .recomputed = radius};
        int n = 0;
        auto add = [&](std::string_view name, weight_shape dims) {
            const int outer = t.enter(name);
            o.w[n++] = t.parameter("weight", dims);
            o.w[n++] = t.parameter("bias", {dims[0], 1, 1, 1});
            t.scope = outer;
        };
        add("proj_1", {Hidden, Features, Kernel, Kernel});
        add("atten_branch.pointwise", {Hidden, Hidden, 1, 1});
        add("atten_branch.depthwise", {Hidden, 1, 5, 5});
        add("atten_branch.depthwise_dilated", {Hidden, 1, 5, 5});
        add("proj_2", {Features, Hidden, 1, 1});
        add("pixel_norm", {Features, 1, 1, 1});
        return t.template emit<Fused, Features, S>(o);
    }
};

template <int Features, int Scale> struct vapsr_upsampler;
template <int Features> struct vapsr_upsampler<Features, 4> {
    using type = sequential<named<"upsampler.0", conv<Features, 64, 3>>, pixel_shuffle<2>, leaky_relu<1, 10>,
                            named<"upsampler.3", conv<16, 12, 3>>, pixel_shuffle<2>>;
};
template <int Features, int Scale>
requires(Scale == 2 || Scale == 3) struct vapsr_upsampler<Features, Scale> {
    using type = sequential<named<"upsampler.0", conv<Features, 56, 3, leaky_relu<1, 10>>>,
                            named<"upsampler.2", conv<56, 3 * Scale * Scale, 3>>, pixel_shuffle<Scale>>;
};

// The network. Features: channels between blocks; Hidden: channels inside a block; Depth: number of blocks, or
// `dynamic`;
// Kernel: that of the first projection of a block; BodyGroups: groups of conv_body.
template <int Scale, int Features, int Hidden, int Depth, int Kernel = 1, int BodyGroups = 1>
using vapsr_network = sequential<
    named<"conv_first", conv<3, Features, 3>>,
    named<"", residual<named<"body", repeat<Depth, vapsr_block<Features, Hidden, Kernel>>>,
                       named<"conv_body", conv<Features, Features, 3, identity, conv_options{.groups = BodyGroups}>>>>,
    named<"", typename vapsr_upsampler<Features, Scale>::type>>;

// The published sizes.
using vapsr_s = vapsr_network<4, 32, 64, 11, 1, 2>;
using vapsr_x2 = vapsr_network<2, 48, 64, 20>;
using vapsr_x3 = vapsr_network<3, 48, 64, 20>;
using vapsr_x4 = vapsr_network<4, 48, 64, 21>;
using vapsr_3x3_x2 = vapsr_network<2, 64, 48, 20, 3>; // values in [-1, 1]

} // namespace fovea::zoo
