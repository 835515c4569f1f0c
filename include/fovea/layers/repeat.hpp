// repeat<N, Block> applies a block N times, each time with parameters of its own, named 0, 1, ...
// repeat<dynamic, Block> applies it as often as the depth says that is given at run time for the enclosing name, so
// that one instantiation serves every depth.
#pragma once
#include <utility>

#include "fovea/layers/checks.hpp"

namespace fovea {

inline constexpr int dynamic = -1;

template <int N, layer Block> struct repeat {
    static constexpr int in_channels = Block::in_channels;
    static constexpr ratio scale{};
    static constexpr int out_channels(int in) { return Block::out_channels(in); }

    template <class T, class V> static constexpr auto trace(T& t, V x) {
        constexpr bool keeps = std::is_same_v<result<Block, V>, V>;
        static_assert(keeps, "fovea: repeat: a block must produce the channels and the size that it takes");
        const int depth = N == dynamic ? t.depth_here() : N;
        const int repeats = std::exchange(t.repeats, depth); // the count of an enclosing repeat is restored below
        for (int i = 0; i < depth; ++i) {
            const int outer = t.enter("", i);
            if constexpr (keeps) x = Block::trace(t, x);
            t.leave(outer, x.id);
        }
        t.repeats = repeats;
        return x;
    }
};

} // namespace fovea
