// starts_small<Layer>: the same as Layer, but its random initial weights are a tenth as large. For the end of a
// residual branch: activations inside the branch can then be large enough to be bent from the first step on, while the
// network begins near the identity. With SiLU, which is nearly linear around zero, that is what gets training off the
// plateau of linear filters. Zhang, Dauphin and Ma 2019, arXiv 1901.09321, have the same aim.
#pragma once
#include <utility>

#include "fovea/compose/names.hpp"

namespace fovea {

template <layer Layer> struct starts_small {
    static constexpr int in_channels = Layer::in_channels;
    static constexpr ratio scale = Layer::scale;
    static constexpr int out_channels(int in) { return Layer::out_channels(in); }

    template <class T, class V, class... Skip> static constexpr auto trace(T& t, V x, Skip... skip) {
        const double outer = std::exchange(t.initial_gain, 0.1 * t.initial_gain);
        auto y = trace_plus<Layer>(t, x, skip...);
        t.initial_gain = outer;
        return y;
    }
};

} // namespace fovea
