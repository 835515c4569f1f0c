// starts_small<Layer> is Layer with smaller random initial weights: they are multiplied by 0.1 / sqrt(n), where n is
// the number of blocks of the enclosing repeat. It is meant for the last layer of a residual branch.
//
// Reason: n branches that each add 1/n to the variance of what passes multiply it by (1 + 1/n)^n < e, so that the
// network begins near the identity at any depth. The values inside a branch can then be large enough for SiLU, which is
// nearly linear around zero, to be non-linear from the first step on. Zhang, Dauphin and Ma 2019, arXiv 1901.09321,
// scale branches of two layers by the same root.
#pragma once
#include <utility>

#include "fovea/layers/names.hpp"

namespace fovea {

namespace detail {

// 1 / sqrt(n) by Newton's method, because std::sqrt is not constexpr.
constexpr double inverse_root(int n) {
    double root = n < 1 ? 1 : n;
    for (int i = 0; i < 40; ++i) root = 0.5 * (root + n / root);
    return 1 / root;
}

} // namespace detail

template <layer Layer> struct starts_small {
    static constexpr int in_channels = Layer::in_channels;
    static constexpr ratio scale = Layer::scale;
    static constexpr int out_channels(int in) { return Layer::out_channels(in); }

    template <class T, class V, class... Skip> static constexpr auto trace(T& t, V x, Skip... skip) {
        const double outer = std::exchange(t.initial_gain, factor(t.repeats) * t.initial_gain);
        auto y = trace_plus<Layer>(t, x, skip...);
        t.initial_gain = outer;
        return y;
    }

  private:
    static constexpr double factor(int repeats) { return 0.1 * detail::inverse_root(repeats); }
};

} // namespace fovea
