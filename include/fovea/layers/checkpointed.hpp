// checkpointed<Block> computes what Block computes, but keeps no activations inside the block for the backward pass;
// they are computed again from the block's input when they are needed. Training then does about a third more work and
// needs the memory of one block at a time. Chen et al. 2016, arXiv 1604.06174.
#pragma once
#include <utility>

#include "fovea/layers/names.hpp"

namespace fovea {

template <layer Block> struct checkpointed {
    static constexpr int in_channels = Block::in_channels;
    static constexpr ratio scale = Block::scale;
    static constexpr int out_channels(int in) { return Block::out_channels(in); }

    template <class T, class V, class... Skip> static constexpr auto trace(T& t, V x, Skip... skip) {
        // Of nested checkpointed blocks the outermost decides what is computed again.
        const int outer = std::exchange(t.region, t.region >= 0 ? t.region : t.regions++);
        auto y = trace_plus<Block>(t, x, skip...);
        t.region = outer;
        return y;
    }
};

} // namespace fovea
