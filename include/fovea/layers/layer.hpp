// What a layer is: a type with no state that, traced with a typed value, emits operations and returns a typed value.
//
//   struct my_layer : maps<In, Out> {                         // in_channels (any_channels: whatever comes),
//   out_channels(in), scale
//       template <class T, ratio S>
//       static constexpr value<Out, S> trace(T& t, value<In, S> x);
//       template <class T, ratio S>                           // optional: "I can add a skip to my result"
//       static constexpr value<Out, S> trace(T& t, value<In, S> x, value<Out, S> skip);
//   };
//
// T is a tracer (graph/tracer.hpp): t.parameter(name, dims), t.emit<Operation, Channels, Scale>({...}), T::trains.
#pragma once
#include <concepts>

#include "fovea/graph/tracer.hpp"

namespace fovea {

inline constexpr int any_channels = 0;
inline constexpr int same_padding = -1; // as much as keeps the size where the stride is 1

template <class L>
concept layer = requires {
    { L::in_channels } -> std::convertible_to<int>;
    { L::out_channels(1) } -> std::convertible_to<int>;
    { L::scale } -> std::convertible_to<ratio>;
};

template <int In, int Out, ratio Scale = ratio{1}> struct maps {
    static constexpr int in_channels = In;
    static constexpr ratio scale = Scale;
    static constexpr int out_channels(int) { return Out; }
};
struct maps_any { // as many channels as come
    static constexpr int in_channels = any_channels;
    static constexpr ratio scale{};
    static constexpr int out_channels(int in) { return in; }
};

} // namespace fovea
