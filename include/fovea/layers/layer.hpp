// A layer is a type without state. Traced with a typed value, it emits operations and returns a typed value:
//
//   struct my_layer : maps<In, Out> {         // in_channels (any_channels: takes any), out_channels(in), scale
//       template <class T, ratio S>
//       static constexpr value<Out, S> trace(T& t, value<In, S> x);
//       template <class T, ratio S>           // optional, for a layer that can add a skip to its result
//       static constexpr value<Out, S> trace(T& t, value<In, S> x, value<Out, S> skip);
//   };
//
// T is a tracer (graph/tracer.hpp); it has t.parameter(name, dims), t.emit<Operation, Channels, Scale>({...}) and
// T::trains.
#pragma once
#include <concepts>

#include "fovea/graph/tracer.hpp"

namespace fovea {

inline constexpr int any_channels = 0;
inline constexpr int same_padding = -1; // the padding that keeps the size at stride 1

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
// Base of layers that take any number of channels and keep it.
struct maps_any {
    static constexpr int in_channels = any_channels;
    static constexpr ratio scale{};
    static constexpr int out_channels(int in) { return in; }
};

} // namespace fovea
