// Layers with two branches:
//
//   sum<A, B>       y = A(x) + B(x)
//   product<A, B>   y = A(x) * B(x)
//   concat<A, B>    the channels of A(x), then those of B(x)
//   pass            y = x, for a branch that does nothing
#pragma once
#include "fovea/layers/names.hpp"
#include "fovea/layers/properties.hpp"

namespace fovea {

struct pass : maps_any {
    template <class T, class V> static constexpr V trace(T&, V x) { return x; }
};

template <layer A, layer B> struct sum {
    static constexpr int in_channels = A::in_channels ? A::in_channels : B::in_channels;
    static constexpr ratio scale = A::scale;
    static constexpr int out_channels(int in) { return A::out_channels(in); }
    static constexpr int receptive_radius = radius_of<sum>();

    template <class T, class V> static constexpr auto trace(T& t, V x) {
        constexpr bool agree = std::is_same_v<result<A, V>, result<B, V>>;
        static_assert(agree, "fovea: sum: both branches must produce the same channels at the same scale");
        if constexpr (agree)
            return trace_plus<B>(t, x, A::trace(t, x));
        else
            return result<A, V>{};
    }
};

template <layer A, layer B> struct product {
    static constexpr int in_channels = A::in_channels ? A::in_channels : B::in_channels;
    static constexpr ratio scale = A::scale;
    static constexpr int out_channels(int in) { return A::out_channels(in); }

    template <class T, class V> static constexpr auto trace(T& t, V x) {
        constexpr bool agree = std::is_same_v<result<A, V>, result<B, V>>;
        static_assert(agree, "fovea: product: both branches must produce the same channels at the same scale");
        if constexpr (agree)
            return times(t, A::trace(t, x), B::trace(t, x));
        else
            return result<A, V>{};
    }
};

template <layer A, layer B> struct concat {
    static constexpr int in_channels = A::in_channels ? A::in_channels : B::in_channels;
    static constexpr ratio scale = A::scale;
    static constexpr int out_channels(int in) { // in is any_channels if the preceding layers do not determine it
        if (in == any_channels) in = in_channels;
        return in == any_channels ? any_channels : A::out_channels(in) + B::out_channels(in);
    }

    template <class T, class V> static constexpr auto trace(T& t, V x) {
        static_assert(A::scale == B::scale, "fovea: concat: both branches must produce the same size");
        if constexpr (A::scale == B::scale)
            return beside(t, A::trace(t, x), B::trace(t, x));
        else
            return result<concat, V>{};
    }
};

} // namespace fovea
