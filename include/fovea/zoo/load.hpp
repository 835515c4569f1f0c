// Makes an upscaler from a weight file. The type of the network is chosen at run time by the contents of the file.
#pragma once
#include <filesystem>
#include <optional>

#include "fovea/core/expected.hpp"
#include "fovea/model/model.hpp"
#include "fovea/zoo/realesr.hpp"
#include "fovea/zoo/recognise.hpp"
#include "fovea/zoo/supercool.hpp"
#include "fovea/zoo/vapsr.hpp"

namespace fovea::zoo {

namespace detail {

template <int... N> struct choices {};

// Calls f(std::integral_constant) for the choice that equals n; returns false if there is none.
template <int... N, class F> bool choose(choices<N...>, int n, F f) {
    return ((n == N && (f(std::integral_constant<int, N>{}), true)) || ...);
}

inline depths depth_of(const architecture& a) {
    return {{a.family == family::supercool ? "encoder" : "body", a.depth}};
}

template <class Network, class Backend, class Mode> graph graph_of(const architecture& a, convolution_method method) {
    return fovea::detail::trace_network<Network, Backend, Mode>(depth_of(a), method);
}

// The sizes are chosen for each part separately, which takes 10 x (3 + 3) instantiations instead of 10 x 3 x 3 x 2.
template <int Channels, class Backend, class Mode>
bool trace_supercool(tracer<Mode, Backend>& t, const architecture& a) {
    const value<3> x{t.add_tensor(3, ratio{})};
    value<Channels> z;
    const bool known_ratio = choose(choices<1, 2, 4>{}, a.hidden / Channels, [&](auto hidden_ratio) {
        z = supercool_features<Channels, hidden_ratio, dynamic>::trace(t, x);
    });
    return known_ratio && a.hidden % Channels == 0 && choose(choices<2, 4, 8>{}, a.scale, [&](auto scale) {
               const auto details = supercool_details<Channels, scale>::trace(t, z);
               const auto large = a.filter == interpolation::bicubic ? upsample<scale, bicubic>::trace(t, x, details)
                                                                     : upsample<scale, bilinear>::trace(t, x, details);
               if (a.colours == colour_space::rgb) clamp_in_inference::trace(t, large); // others may be below 0
           });
}

template <class Backend, class Mode>
std::optional<graph> supercool_graph(const architecture& a, convolution_method method) {
    tracer<Mode, Backend> t;
    t.depth = depth_of(a);
    t.method = method;
    bool known = false;
    choose(choices<8, 16, 24, 32, 48, 64, 96, 128, 192, 256>{}, a.channels,
           [&](auto channels) { known = trace_supercool<channels>(t, a); });
    if (!known) return std::nullopt;
    return graph(std::move(t));
}

template <int Features, int Hidden, int Kernel, class Backend, class Mode>
bool add_vapsr(std::optional<graph>& found, const architecture& a, convolution_method method) {
    if (a.channels != Features || a.hidden != Hidden || a.kernel != Kernel) return false;
    choose(choices<2, 3, 4>{}, a.scale, [&](auto scale) {
        choose(choices<1, 2>{}, a.body_groups, [&](auto groups) {
            found = graph_of<vapsr_network<scale, Features, Hidden, dynamic, Kernel, groups>, Backend, Mode>(a, method);
        });
    });
    return true;
}

// Returns nothing if the size is not among those that are compiled in.
template <class Backend, class Mode> std::optional<graph> graph_for(const architecture& a, convolution_method method) {
    std::optional<graph> found;
    switch (a.family) {
        case family::supercool:
            return supercool_graph<Backend, Mode>(a, method);
        case family::realesr_compact:
            if (a.channels != 64 || a.scale != 4) return found;
            choose(choices<16, 32>{}, a.depth,
                   [&](auto depth) { found = graph_of<realesr_compact<64, depth, 4>, Backend, Mode>(a, method); });
            return found;
        case family::vapsr:
            add_vapsr<32, 64, 1, Backend, Mode>(found, a, method) ||
                add_vapsr<48, 64, 1, Backend, Mode>(found, a, method) ||
                add_vapsr<64, 48, 3, Backend, Mode>(found, a, method);
            return found;
        default:
            return found;
    }
}

// Returns the graph of the network in `weights`, and sets depth, range and colour space in `o` from the file. An option
// that was set to something else than the file says is an error.
template <class Backend, class Mode> expected<graph> graph_of_weights(const tensor_file& weights, model_options& o) {
    const auto a = try_recognise(weights);
    if (!a) return failed{a.error()};
    if (a->family == family::critic)
        return failure(weights.source, ": holds a critic: expected a network that enlarges images");
    auto g = graph_for<Backend, Mode>(*a, o.convolution);
    if (!g) return failure(weights.source, ": ", describe(*a), ": this size is not among those built in");
    const auto contradicts = [&](const char* option) {
        return failure(weights.source, ": ", describe(*a), ": the option ", option,
                       " says something else: expected it to be left out, as the file says it");
    };
    if (!o.depth.empty() && o.depth != depth_of(*a)) return contradicts("depth");
    if (o.range != value_range{} && o.range != a->range) return contradicts("range");
    if (o.colours != colour_space::rgb && o.colours != a->colours) return contradicts("colours");
    o.depth = depth_of(*a), o.range = a->range, o.colours = a->colours;
    return std::move(*g);
}

} // namespace detail

// Makes an upscaler of the network in `weights` (from read_tensor_file() or weights_of()), at any depth and in these
// sizes:
//
//   VapSR                 x2 x3 x4 with 32/64, 48/64 (kernel 1) or 64/48 (kernel 3) channels, body groups 1 or 2
//   SuperCool             x2 x4 x8 with 8, 16, 24, 32, 48, 64, 96, 128, 192 or 256 channels, hidden ratio 1, 2 or 4
//   Real-ESRGAN compact   x4 with 64 channels, 16 or 32 convolutions
//
// Throws if the network or its size is not among these; for other sizes compose the type and use model<...>. Depth,
// range of values and colour space come from the file: options that say something else are an error.
template <class Backend, class Mode = inference> upscaler load(const tensor_file& weights, model_options o) {
    auto g = detail::graph_of_weights<Backend, Mode>(weights, o).value();
    return upscaler(std::move(g), weights, o, fovea::engine_maker_of<Backend>());
}
template <class Backend, class Mode = inference> upscaler load(const tensor_file& weights, context* threads = nullptr) {
    return load<Backend, Mode>(weights, model_options{.threads = threads});
}

// The same from a file of weights, or a checkpoint, of any format that read_tensor_file() reads.
template <class Backend, class Mode = inference>
upscaler load(const std::filesystem::path& file, const model_options& o = {}) {
    return load<Backend, Mode>(weights_of(read_tensor_file(file)), o);
}

// Returns the network in `weights` as its operations on a backend, to be looked at (graph/summary.hpp). Throws as
// load() does.
template <class Backend, class Mode = inference> graph graph_of(const tensor_file& weights) {
    model_options o;
    return detail::graph_of_weights<Backend, Mode>(weights, o).value();
}

// load() with the error as a value, also for programs without exceptions. Without exceptions, an error in the options
// rather than the weights still ends the program.
template <class Backend, class Mode = inference>
expected<upscaler> try_load(const tensor_file& weights, model_options o = {}) {
#if FOVEA_EXCEPTIONS
    return expected_of([&] { return load<Backend, Mode>(weights, o); });
#else
    auto g = detail::graph_of_weights<Backend, Mode>(weights, o);
    if (!g) return failed{g.error()};
    if (std::string problem = problem_of_weights(*g, weights); !problem.empty()) return failed{std::move(problem)};
    return upscaler(*std::move(g), weights, o, fovea::engine_maker_of<Backend>());
#endif
}

} // namespace fovea::zoo
