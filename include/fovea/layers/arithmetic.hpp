// Sums and products of values, for hand-written traces; `compose/` has them as layers.
#pragma once
#include "fovea/layers/layer.hpp"
#include "fovea/ops/arithmetic.hpp"

namespace fovea {

template <class T, int C, ratio S> constexpr value<C, S> plus(T& t, value<C, S> a, value<C, S> b) {
    return t.template emit<add, C, S>({.x = {a.id, b.id}, .d = {.passes = first_input | second_input}, .work = C});
}
template <class T, int C, ratio S> constexpr value<C, S> times(T& t, value<C, S> a, value<C, S> b) {
    return t.template emit<multiply, C, S>(
        {.x = {a.id, b.id}, .d = {.inputs_read = first_input | second_input, .in_place = true}, .work = C});
}

} // namespace fovea
