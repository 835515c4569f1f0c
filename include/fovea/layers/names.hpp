// Functions and layers that give the parameters of a layer a name, and that add a skip to its result.
#pragma once
#include <algorithm>
#include <string_view>

#include "fovea/layers/arithmetic.hpp"
#include "fovea/layers/checks.hpp"

namespace fovea {

template <std::size_t N> struct literal { // a text as a template argument
    char text[N]{};
    constexpr literal(const char (&s)[N]) { std::copy_n(s, N, text); }
    // The text.
    constexpr std::string_view view() const { return {text, N - 1}; }
};

// y = Layer(x), or Layer(x) + skip. The layer adds the skip itself if it can, else an addition follows.
template <class Layer, class T, class V> constexpr auto trace_plus(T& t, V x) { return Layer::trace(t, x); }
template <class Layer, class T, class V, class Skip> constexpr auto trace_plus(T& t, V x, Skip skip) {
    if constexpr (requires { Layer::trace(t, x, skip); })
        return Layer::trace(t, x, skip);
    else
        return plus(t, Layer::trace(t, x), skip);
}

// trace_plus with the layer's parameters under `name`, for hand-written traces:
//   auto a = apply<conv<3, 8, 3>>(t, "first", x);
template <class Layer, class T, class V, class... Skip>
constexpr auto apply(T& t, std::string_view name, V x, Skip... skip) {
    if constexpr (!fits<Layer, V>) {
        joined<V, produces<V::channels>, Layer, expects<Layer::in_channels>>{};
        return result<Layer, V>{};
    } else {
        const int outer = t.enter(name);
        auto y = trace_plus<Layer>(t, x, skip...);
        t.leave(outer, y.id);
        return y;
    }
}

// trace_plus with the layer's parameters under a number, as for the layers of a sequence. A layer that has a name of
// its own keeps it.
template <class Layer, class T, class V, class... Skip>
constexpr auto apply_numbered(T& t, int index, V x, Skip... skip) {
    if constexpr (requires { Layer::has_name; })
        return Layer::trace(t, x, skip...);
    else {
        const int outer = t.enter("", index);
        auto y = trace_plus<Layer>(t, x, skip...);
        t.leave(outer, y.id);
        return y;
    }
}

// named<"conv_first", conv<3, 64, 3>> has the parameters conv_first.weight and conv_first.bias. An empty name adds no
// level.
template <literal Name, layer Layer> struct named {
    static constexpr int in_channels = Layer::in_channels;
    static constexpr ratio scale = Layer::scale;
    static constexpr int out_channels(int in) { return Layer::out_channels(in); }
    static constexpr bool has_name = true;
    template <class T, class V, class... Skip> static constexpr auto trace(T& t, V x, Skip... skip) {
        return apply<Layer>(t, Name.view(), x, skip...);
    }
};

} // namespace fovea
