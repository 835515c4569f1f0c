// residual<A, B, ...>: y = B(A(x)) + x. The last layer may add the skip in its own epilogue.
#pragma once
#include "fovea/layers/sequential.hpp"

namespace fovea {

template <layer First, layer... Rest> struct residual {
    using body = sequential<First, Rest...>;
    static constexpr int in_channels = body::in_channels;
    static constexpr ratio scale{};
    static constexpr int out_channels(int in) { return body::out_channels(in); }

    template <class T, class V> static constexpr auto trace(T& t, V x) {
        constexpr bool keeps = std::is_same_v<result<body, V>, V>;
        static_assert(keeps,
                      "fovea: residual: the last layer must produce the channels and the size that the first takes");
        if constexpr (keeps)
            return body::trace(t, x, x);
        else
            return result<body, V>{};
    }
};

} // namespace fovea
