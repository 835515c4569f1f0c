// From a graph as it was traced to one that is run: the passes, in the order in which they run.
#pragma once
#include "fovea/graph/fusion.hpp"
#include "fovea/graph/half_arithmetic.hpp"
#include "fovea/graph/half_storage.hpp"
#include "fovea/graph/quantise.hpp"

namespace fovea {

namespace detail {

// Tensors in 16 bits, and what follows from that: one operation takes the place of a run of others where it can, and
// weights are packed for the formats that kernels multiply them with. float32 changes nothing.
inline void keep_in(graph& g, number_format stored) {
    if (stored == number_format::float32) return;
    store_in(g, stored);
    fuse_in_16_bits(g);
    pack_in_stored_formats(g);
}

} // namespace detail

// Prepares a graph for inference. ranges: for precision_kind::int8 only, which needs them; weights: the digest of the
// weights in use, for which the ranges must have been found. Throws one line where the precision is not possible.
inline void lower_for_inference(graph& g, precision_kind precision, const activation_ranges* ranges,
                                const std::string& weights) {
    const bool int8 = precision == precision_kind::int8;
    if (int8 && !ranges) fail("precision int8: expected the ranges of activations that a calibration finds");
    if (!int8 && ranges)
        fail("precision ", name_of(precision), ": ranges of activations were given: expected precision int8");
    g.precision = precision;
    if (int8) quantise(g, *ranges, weights);
    detail::keep_in(g, stored_format(precision));
    if (precision == precision_kind::float16) multiply_halves(g);
}

// Prepares a graph for training on a backend whose kernels take tensors in 16 bits.
inline void lower_for_training(graph& g, precision_kind precision) {
    g.precision = precision;
    detail::keep_in(g, stored_format(precision));
}

} // namespace fovea
