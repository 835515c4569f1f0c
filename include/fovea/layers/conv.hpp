// Two-dimensional convolution with zero padding, a bias, an activation and, on request, weight normalisation.
// ops/conv2d.hpp has the formula.
//
// Parameters: weight (Out, In/groups, Kernel, Kernel), or weight_g (Out,1,1,1) and weight_v of that shape with weight
// normalisation; bias (Out,1,1,1) unless it is switched off.
#pragma once
#include "fovea/layers/activation.hpp"
#include "fovea/layers/arithmetic.hpp"
#include "fovea/ops/conv2d.hpp"

namespace fovea {

// Options of a convolution. `groups` must divide the input and the output channels.
struct conv_options {
    int stride = 1, dilation = 1, groups = 1;
    bool bias = true;
    bool weight_norm = false;
    int padding = same_padding; // zeros on every side, from 0 to Kernel / 2 * dilation; default: "same"
};

// A convolution as a layer: y = Activation(conv(x, weight) + bias). Kernel is odd; the default padding keeps H and W
// (divided by the stride, rounded up).
template <int In, int Out, int Kernel, class Activation = identity, conv_options Options = conv_options{}>
struct conv : maps<In, Out, ratio{1, Options.stride}> {
    static constexpr int radius = Kernel / 2 * Options.dilation,
                         offset = Options.padding == same_padding ? 0 : radius - Options.padding;
    static constexpr bool is_depthwise = Options.groups == In && In == Out && In > 1;

    template <class T, ratio S>
    static constexpr auto trace(T& t, value<In, S> x, value<Out, S * ratio{1, Options.stride}> skip = {}) {
        static_assert(Kernel % 2 == 1, "fovea: conv: the kernel must be odd");
        static_assert(In % Options.groups == 0 && Out % Options.groups == 0,
                      "fovea: conv: groups must divide both in_channels and out_channels");
        static_assert(offset >= 0, "fovea: conv: padding must be at most kernel / 2 * dilation");
        // An activation that the backend cannot fuse becomes an operation of its own.
        constexpr bool plain = std::is_same_v<Activation, identity>;
        constexpr bool fused = plain || (T::mode::fuses_activations && T::template offers<operation_of<Activation>>);
        constexpr bool takes_skip = fused && T::mode::fuses_skips;
        const weight_shape dims{Out, In / Options.groups, Kernel, Kernel};
        operation o{
            .x = {x.id, takes_skip ? skip.id : -1},
            .w = {weight_of(t, dims), Options.bias ? t.parameter("bias", {Out, 1, 1, 1}) : -1},
            .a = {.kernel = Kernel,
                  .stride = Options.stride,
                  .dilation = Options.dilation,
                  .groups = Options.groups,
                  .offset = offset},
            .reads = {.stride = Options.stride, .radius = radius, .offset = offset, .end = offset},
            .d = {.weights_read = saves::first_input, .passes = takes_skip ? saves::second_input : saves::nothing},
            .work = double(count(dims))};
        if constexpr (fused && !plain) o.a.activation = Activation::kind, o.a.slope = Activation::slope;
        using emitted = operation_of<std::conditional_t<fused, Activation, identity>>;
        auto y = t.template emit<emitted, Out, S * ratio{1, Options.stride}>(o);
        if constexpr (!fused) y = apply_activation<Activation>(t, y);
        if (!takes_skip && skip.id >= 0) y = plus(t, y, skip);
        return y;
    }

    // This overload catches a skip that does not fit, so that the compiler says so in one sentence.
    template <class T, ratio S, int C, ratio R>
    requires(
        C != Out ||
        R !=
            S * ratio{1, Options.stride}) static constexpr value<Out, S * ratio{1, Options.stride}> trace(T&,
                                                                                                          value<In, S>,
                                                                                                          value<C, R>) {
        static_assert(C == Out && R == S * ratio{1, Options.stride},
                      "fovea: conv: the skip must have the channels and the scale of the result");
        return {};
    }

  private:
    template <class A> using operation_of = std::conditional_t<is_depthwise, depthwise_conv2d<A>, conv2d<A>>;

    template <class T> static constexpr int weight_of(T& t, weight_shape dims) {
        constexpr initial start{initial::kind::normal, double(In / Options.groups) * Kernel * Kernel};
        if constexpr (Options.weight_norm) {
            const int g = t.parameter("weight_g", {dims[0], 1, 1, 1}, {.how = initial::kind::norms_of_next}, 4);
            const int v = t.parameter("weight_v", dims, start, 4);
            return t.template derive<normalise_weight>("weight", {v, g}, dims);
        } else
            return t.parameter("weight", dims, start, 4);
    }
};

// A depthwise convolution: each channel has a filter of its own.
template <int C, int Kernel, class Activation = identity, int Dilation = 1>
using depthwise = conv<C, C, Kernel, Activation, conv_options{.dilation = Dilation, .groups = C}>;

namespace detail {
template <class L> struct with_weight_norm;
template <int I, int O, int K, class A, conv_options N> struct with_weight_norm<conv<I, O, K, A, N>> {
    using type = conv<I, O, K, A, conv_options{N.stride, N.dilation, N.groups, N.bias, true, N.padding}>;
};
} // namespace detail

// The same convolution with its weight parametrised as g v / ||v||. Inference computes the weight once, so that it
// costs nothing there.
template <class Conv> using weight_norm = typename detail::with_weight_norm<Conv>::type;

static_assert(layer<conv<3, 64, 3, silu>> && layer<depthwise<64, 5>>);

} // namespace fovea
