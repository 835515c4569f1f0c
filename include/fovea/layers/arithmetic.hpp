// Element-wise sums and products of two values, and their concatenation along the channels, for hand-written traces.
// layers/branches.hpp has them as layers.
#pragma once
#include "fovea/layers/layer.hpp"
#include "fovea/ops/arithmetic.hpp"

namespace fovea {

// Emit a + b, a * b, and the channels of a followed by those of b.
template <class T, int C, ratio S> constexpr value<C, S> plus(T& t, value<C, S> a, value<C, S> b) {
    return t.template emit<add, C, S>(
        {.x = {a.id, b.id}, .d = {.passes = saves::first_input | saves::second_input}, .work = C});
}
template <class T, int C, ratio S> constexpr value<C, S> times(T& t, value<C, S> a, value<C, S> b) {
    return t.template emit<multiply, C, S>(
        {.x = {a.id, b.id},
         .d = {.inputs_read = saves::first_input | saves::second_input, .in_place = true},
         .work = C});
}
template <class T, int C, int D, ratio S> constexpr value<C + D, S> beside(T& t, value<C, S> a, value<D, S> b) {
    return t.template emit<concatenate, C + D, S>({.x = {a.id, b.id}, .work = C + D});
}

// These overloads catch values that do not fit, so that the compiler says what is wrong in one sentence.
template <class T, int C, ratio S, int D, ratio R>
requires(C != D || S != R) constexpr value<C, S> plus(T&, value<C, S>, value<D, R>) {
    static_assert(C == D, "fovea: plus: both values must have the same channels");
    static_assert(S == R, "fovea: plus: both values must be at the same scale: upsample or downsample one of them");
    return {};
}
template <class T, int C, ratio S, int D, ratio R>
requires(C != D || S != R) constexpr value<C, S> times(T&, value<C, S>, value<D, R>) {
    static_assert(C == D, "fovea: times: both values must have the same channels");
    static_assert(S == R, "fovea: times: both values must be at the same scale: upsample or downsample one of them");
    return {};
}
template <class T, int C, int D, ratio S, ratio R>
requires(S != R) constexpr value<C + D, S> beside(T&, value<C, S>, value<D, R>) {
    static_assert(S == R, "fovea: beside: both values must be at the same scale: upsample or downsample one of them");
    return {};
}

} // namespace fovea
