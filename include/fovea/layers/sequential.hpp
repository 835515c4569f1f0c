// sequential<A, B, ...> applies one layer after the other. Unnamed layers are numbered 0, 1, ... in the names of their
// parameters.
#pragma once
#include "fovea/layers/names.hpp"
#include "fovea/layers/properties.hpp"

namespace fovea {

namespace detail {

template <int I, class First, class... Rest> struct nth : nth<I - 1, Rest...> {};
template <class First, class... Rest> struct nth<0, First, Rest...> { using type = First; };

template <class T, class V> struct cursor {
    T& t;
    V x;
    int index;
};
template <class Layer> struct step {};

// The index is not a template argument, so that equal layers share one instantiation.
template <class T, class V, class Layer> constexpr auto operator>>(cursor<T, V> c, step<Layer>) {
    auto y = apply_numbered<Layer>(c.t, c.index, c.x);
    return cursor<T, decltype(y)>{c.t, y, c.index + 1};
}

} // namespace detail

template <layer... Layers> struct sequential {
    static constexpr int in_channels = [] {
        int c = any_channels;
        ((c = c ? c : Layers::in_channels), ...);
        return c;
    }();
    static constexpr ratio scale = (ratio{} * ... * ratio{Layers::scale});
    static constexpr int out_channels(int c) {
        ((c = Layers::out_channels(c)), ...);
        return c;
    }
    static constexpr int receptive_radius = radius_of<sequential>();

    template <class T, class V> static constexpr auto trace(T& t, V x) {
        if constexpr (mismatch.at > 0) {
            blame<mismatch.at>();
            return result<sequential, V>{};
        } else
            return (detail::cursor<T, V>{t, x, 0} >> ... >> detail::step<Layers>{}).x;
    }
    // The last layer adds the skip to its result.
    template <class T, class V, class Skip> static constexpr auto trace(T& t, V x, Skip skip) {
        if constexpr (mismatch.at > 0)
            return trace(t, x);
        else
            return [&]<std::size_t... I>(std::index_sequence<I...>) {
                auto c =
                    (detail::cursor<T, V>{t, x, 0} >> ... >> detail::step<typename detail::nth<I, Layers...>::type>{});
                return apply_numbered<typename detail::nth<sizeof...(I), Layers...>::type>(t, c.index, c.x, skip);
            }
        (std::make_index_sequence<sizeof...(Layers) - 1>{});
    }

  private:
    struct misfit {
        int at, channels; // index of the first layer that does not fit, and the channels that it is given
    };
    static constexpr misfit mismatch = [] {
        misfit bad{-1, 0};
        int c = any_channels, i = 0;
        ((bad.at < 0 && c && Layers::in_channels && Layers::in_channels != c ? void(bad = {i, c}) : void(),
          c = c || Layers::in_channels ? Layers::out_channels(c) : any_channels, ++i),
         ...);
        return bad;
    }();
    template <int I> static constexpr auto blame() {
        using misfitting = typename detail::nth<I, Layers...>::type;
        return joined<typename detail::nth<I - 1, Layers...>::type, produces<mismatch.channels>, misfitting,
                      expects<misfitting::in_channels>>{};
    }
};

} // namespace fovea
