// checkpointed<Block>: the same as Block, but what a backward pass reads of its inside is not kept: it is computed
// again from the block's input when it is needed. A third more work for the memory of one block instead of all. Chen et
// al. 2016, arXiv 1604.06174.
#pragma once
#include <utility>

#include "fovea/layers/names.hpp"

namespace fovea {

template <layer Block> struct checkpointed {
    static constexpr int in_channels = Block::in_channels;
    static constexpr ratio scale = Block::scale;
    static constexpr int out_channels(int in) { return Block::out_channels(in); }

    template <class T, class V, class... Skip> static constexpr auto trace(T& t, V x, Skip... skip) {
        const int outer = std::exchange(t.region, t.region >= 0 ? t.region : t.regions++); // the outermost counts
        auto y = trace_plus<Block>(t, x, skip...);
        t.region = outer;
        return y;
    }
};

} // namespace fovea
