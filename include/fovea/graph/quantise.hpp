// Lets inner convolutions of a network compute in 8 bits, with given ranges of activations. Tensors stay float32: a
// convolution in 8 bits quantises what it reads.
#pragma once
#include <cmath>
#include <map>
#include <string>

#include "fovea/core/error.hpp"
#include "fovea/graph/cost.hpp"
#include "fovea/graph/inner_convolutions.hpp"

namespace fovea {

// The least and the largest value that an activation takes.
struct activation_range {
    float low = 0, high = 0;
};

// The ranges of the values that convolutions read, found by calibrator (model/calibration.hpp) or given.
struct activation_ranges {
    std::string source;  // name of the file, for messages
    std::string network; // description of the network, for messages
    std::string weights; // digest of the weights that the ranges belong to; empty: any weights
    std::map<std::string, activation_range, std::less<>> inputs; // by the convolution's name, "encoder.0.conv1"
};

// Returns the indices of the operations that precision_kind::int8 computes in 8 bits.
inline std::vector<std::size_t> int8_convolutions(const graph& g) {
    return inner_convolutions(g, &operation::fits_int8);
}

// Returns the layer that an operation's first weight belongs to, such as "encoder.0.conv1"; empty: it has no weight.
inline std::string layer_name(const graph& g, const operation& o) {
    int w = o.w[0];
    for (auto& p : g.preparations)
        if (p.out == w) w = p.w[0];
    std::string name = w >= 0 ? g.scope_name(g.weights[std::size_t(w)].scope) : "";
    if (name.ends_with('.')) name.pop_back();
    return name;
}

// Returns the quantisation of a range. Zero, the value outside the image, is exactly one of the 256 steps.
inline quantisation quantisation_of(activation_range r) {
    const double low = std::min(double(r.low), 0.), high = std::max(double(r.high), 0.);
    if (high - low < 1e-30) return {.step = 1, .zero = 0}; // all values are zero
    const double step = (high - low) / 255;
    return {.step = float(step), .zero = int(std::lrint(-low / step))};
}

// Makes int8_convolutions(g) compute in 8 bits. weights: digest of the weights in use. Throws when the ranges are not
// exactly those of this network's convolutions and weights, and when no convolution can be computed so.
inline void quantise(graph& g, const activation_ranges& ranges, const std::string& weights) {
    const std::string source = ranges.source.empty() ? "the activation ranges" : ranges.source;
    if (!ranges.weights.empty() && ranges.weights != weights)
        fail(source, ": belongs to other weights", ranges.network.empty() ? "" : " of ", ranges.network,
             ": expected ranges found with the weights in use");
    const auto all = int8_convolutions(g);
    if (all.empty()) fail("precision int8: no convolution of this network can be computed in 8 bits");
    std::size_t used = 0;
    for (std::size_t i : all) {
        operation& o = g.operations[i];
        const std::string name = layer_name(g, o);
        const auto found = ranges.inputs.find(name);
        if (found == ranges.inputs.end()) fail(source, ": has no range for ", name);
        const activation_range r = found->second;
        if (!std::isfinite(r.low) || !std::isfinite(r.high) || r.low > r.high)
            fail(source, ": the range of ", name, " is ", r.low, " to ", r.high,
                 ": expected two finite ascending numbers");
        o.a.method = convolution_method::int8;
        o.a.input = quantisation_of(r);
        o.reads.grain = 1;
        o.work = cost::int8 * double(count(o.dims));
        arrange_anew(g, o);
        ++used;
    }
    if (used != ranges.inputs.size())
        fail(source, ": has ranges of ", ranges.inputs.size(), " convolutions, this network reads ", used);
}

} // namespace fovea
