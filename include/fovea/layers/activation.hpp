// Activations. Each is both a layer of its own and the Activation argument of conv, which applies it to its result.
#pragma once
#include "fovea/graph/cost.hpp"
#include "fovea/layers/layer.hpp"
#include "fovea/ops/activation.hpp"

namespace fovea {

// Emits activation A as an operation of its own, for hand-written traces.
template <class A, class T, int C, ratio S> constexpr value<C, S> apply_activation(T& t, value<C, S> x) {
    return t.template emit<activate<A>, C, S>(
        {.x = {x.id},
         .a = {.activation = A::kind, .slope = A::slope},
         .d = {.inputs_read = saves::first_input, .in_place = true, .cheap = true},
         .work = C * cost::activation});
}

// Base of an activation that a user adds:
//   struct mish : activation<mish> { template <class Real> static Real f(Real), d(Real); };   function and derivative
template <class Self, activation_kind Kind = activation_kind::custom> struct activation : maps_any {
    static constexpr auto kind = Kind;
    static constexpr float slope = 0;
    template <class T, int C, ratio S> static constexpr auto trace(T& t, value<C, S> x) {
        return apply_activation<Self>(t, x);
    }
};

struct relu : activation<relu, activation_kind::relu> { // max(x, 0)
    template <class Real> static Real f(Real x) { return formula::relu(x); }
    template <class Real> static Real d(Real x) { return formula::relu_derivative(x); }
};

// x for x > 0, else slope x. The slope is Numerator / Denominator.
template <int Numerator = 1, int Denominator = 100>
struct leaky_relu : activation<leaky_relu<Numerator, Denominator>, activation_kind::leaky_relu> {
    static constexpr float slope = float(double(Numerator) / Denominator);
    template <class Real> static Real f(Real x) { return formula::leaky_relu(x, Real(slope)); }
    template <class Real> static Real d(Real x) { return formula::leaky_relu_derivative(x, Real(slope)); }
};

struct silu : activation<silu, activation_kind::silu> { // x / (1 + exp(-x)); Elfwing et al. 2017, arXiv 1702.03118
    template <class Real> static Real f(Real x) { return formula::silu(x); }
    template <class Real> static Real d(Real x) { return formula::silu_derivative(x); }
};

struct gelu : activation<gelu, activation_kind::gelu> { // x Phi(x), exact; Hendrycks and Gimpel 2016, arXiv 1606.08415
    template <class Real> static Real f(Real x) { return formula::gelu(x); }
    template <class Real> static Real d(Real x) { return formula::gelu_derivative(x); }
};

struct unit_range : activation<unit_range, activation_kind::unit_range> { // clamped to [0, 1]
    template <class Real> static Real f(Real x) { return formula::unit_range(x); }
    template <class Real> static Real d(Real x) { return formula::unit_range_derivative(x); }
};

// Clamps to [0, 1] in inference and is the identity in training, where a clamp would zero the gradients of saturated
// pixels.
struct clamp_in_inference : maps_any {
    template <class T, int C, ratio S> static constexpr auto trace(T& t, value<C, S> x) {
        if constexpr (T::trains)
            return x;
        else
            return apply_activation<unit_range>(t, x);
    }
};

// x for x > 0, else weight[c] x. Parameter: weight (C,1,1,1), initially 0.25.
template <int C> struct prelu : maps<C, C> {
    template <class T, ratio S> static constexpr value<C, S> trace(T& t, value<C, S> x) {
        const int w = t.parameter("weight", {C, 1, 1, 1}, {.value = 0.25});
        return t.template emit<parametric_relu, C, S>({.x = {x.id},
                                                       .w = {w},
                                                       .d = {.inputs_read = saves::first_input,
                                                             .weights_read = saves::first_input,
                                                             .in_place = true,
                                                             .cheap = true},
                                                       .work = C});
    }
};

static_assert(layer<silu> && layer<leaky_relu<1, 10>> && layer<prelu<64>>);

} // namespace fovea
