// From a graph as it was traced to one that is run: the passes, in the order in which they run.
#pragma once
#include "fovea/graph/half_arithmetic.hpp"
#include "fovea/graph/half_storage.hpp"
#include "fovea/graph/quantise.hpp"

namespace fovea {

// What inference in a precision changes. ranges: of precision_kind::int8 alone, which needs them; weights: the digest
// of the weights in use, for which the ranges must have been found. Throws one line where the precision is not
// possible.
inline void lower_for_inference(graph& g, precision_kind precision, const activation_ranges* ranges,
                                const std::string& weights) {
    const bool int8 = precision == precision_kind::int8;
    const number_format stored = stored_format(precision);
    if (int8 && !ranges) fail("precision int8: expected the ranges of activations that a calibration finds");
    if (!int8 && ranges)
        fail("precision ", name_of(precision), ": ranges of activations were given: expected precision int8");
    g.precision = precision;
    if (int8) quantise(g, *ranges, weights); // inner convolutions in 8 bits
    if (stored != number_format::float32) {
        store_in(g, stored);       // tensors in 16 bits
        fuse_in_16_bits(g);        // runs of operations that one takes the place of there
        pack_in_stored_formats(g); // and the weights that kernels multiply with them
    }
    if (precision == precision_kind::float16) multiply_halves(g); // inner convolutions multiply in half precision
}

// What training in a precision changes, on backends whose kernels take tensors in 16 bits.
inline void lower_for_training(graph& g, precision_kind precision) {
    g.precision = precision;
    if (stored_format(precision) == number_format::float32) return;
    store_in(g, stored_format(precision));
    fuse_in_16_bits(g);
    pack_in_stored_formats(g);
}

} // namespace fovea
