// A ready upscaler from a weight file: the network type is chosen by what the file holds.
#pragma once
#include "fovea/model/model.hpp"
#include "fovea/zoo/realesr.hpp"
#include "fovea/zoo/recognise.hpp"
#include "fovea/zoo/supercool.hpp"
#include "fovea/zoo/vapsr.hpp"

namespace fovea::zoo {

namespace detail {

template <int... N> struct choices {};

// Calls f(integral constant) for the choice that equals n; false when there is none.
template <int... N, class F> bool choose(choices<N...>, int n, F f) {
    return ((n == N && (f(std::integral_constant<int, N>{}), true)) || ...);
}

using graph_maker = graph (*)(const depths&);
template <class Network, class Backend, class Mode>
inline constexpr graph_maker maker_of = &fovea::detail::trace_network<Network, Backend, Mode>;

template <class Backend, class Mode> graph_maker supercool_maker(const architecture& a) {
    graph_maker found = nullptr;
    choose(choices<8, 16, 24, 32, 48, 64, 96, 128, 192, 256>{}, a.channels, [&](auto channels) {
        choose(choices<1, 2, 4>{}, a.channels ? a.hidden / a.channels : 0, [&](auto hidden_ratio) {
            choose(choices<2, 4, 8>{}, a.scale, [&](auto scale) {
                found = a.filter == interpolation::bicubic
                            ? maker_of<supercool<scale, channels, hidden_ratio, dynamic, bicubic>, Backend, Mode>
                            : maker_of<supercool<scale, channels, hidden_ratio, dynamic, bilinear>, Backend, Mode>;
            });
        });
    });
    return a.hidden % std::max(a.channels, 1) == 0 ? found : nullptr;
}

template <int Features, int Hidden, int Kernel, class Backend, class Mode>
graph_maker vapsr_maker(const architecture& a) {
    graph_maker found = nullptr;
    if (a.channels != Features || a.hidden != Hidden || a.kernel != Kernel) return found;
    choose(choices<2, 3, 4>{}, a.scale, [&](auto scale) {
        choose(choices<1, 2>{}, a.body_groups, [&](auto groups) {
            found = maker_of<vapsr_network<scale, Features, Hidden, dynamic, Kernel, groups>, Backend, Mode>;
        });
    });
    return found;
}

template <class Backend, class Mode> graph_maker maker_for(const architecture& a) {
    switch (a.family) {
        case family::supercool:
            return supercool_maker<Backend, Mode>(a);
        case family::realesr_compact:
            if (a.channels == 64 && a.depth == 16 && a.scale == 4)
                return maker_of<realesr_compact<64, 16, 4>, Backend, Mode>;
            if (a.channels == 64 && a.depth == 32 && a.scale == 4)
                return maker_of<realesr_compact<64, 32, 4>, Backend, Mode>;
            return nullptr;
        case family::vapsr:
            if (auto f = vapsr_maker<32, 64, 1, Backend, Mode>(a)) return f;
            if (auto f = vapsr_maker<48, 64, 1, Backend, Mode>(a)) return f;
            return vapsr_maker<64, 48, 3, Backend, Mode>(a);
        default:
            return nullptr;
    }
}

} // namespace detail

// The network of `weights` (as weights_of() gives them), any depth, in every documented size:
//   VapSR       x2 x3 x4 with 32/64, 48/64 (kernel 1) or 64/48 (kernel 3) channels, body groups 1 or 2
//   SuperCool   x2 x4 x8 with 8, 16, 24, 32, 48, 64, 96, 128, 192 or 256 channels, hidden ratio 1, 2 or 4
//   Real-ESRGAN compact x4 with 64 channels, 16 or 32 convolutions
// Other sizes: compose the type yourself and use model<...>. Throws when the network or its size is not among these.
template <class Backend, class Mode = inference> upscaler load(const tensor_file& weights, context* threads = nullptr) {
    const architecture a = recognise(weights);
    if (a.family == family::critic) fail(weights.source, ": holds a critic: expected a network that enlarges images");
    const auto maker = detail::maker_for<Backend, Mode>(a);
    if (!maker) fail(weights.source, ": ", describe(a), ": this size is not among those built in");
    const depths d{{a.family == family::supercool ? "encoder" : "body", a.depth}};
    return upscaler(maker(d), weights, {.depth = d, .range = a.range, .threads = threads});
}

} // namespace fovea::zoo
