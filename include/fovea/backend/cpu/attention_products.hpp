// The convolutions of the attention block that sum over channels, from x or a ring to a ring or y, in float32 or half
// precision.
#pragma once
#include "fovea/backend/cpu/attention_strip.hpp"
#include "fovea/backend/cpu/half.hpp"

namespace fovea::FOVEA_ISA {

struct attention_products {
    const attention_weights& l;
    const float* w; // packed weights
    std::ptrdiff_t group;
    std::int32_t* halves; // a chunk of pixels in half precision

    const float* weight(attention_weight i) const { return w + l.at[i]; }

    // The part of a row for one block of channels.
    static destination part_of(const destination& row, int first, int vectors) {
        destination to = row;
        to.y += first * row.vector_step;
        if (to.skip) to.skip += first * lanes;
        to.bias += first * lanes;
        to.channels = std::min(vectors * lanes, row.channels - first * lanes);
        return to;
    }
    template <class Fetch>
    void convolve(const convolution_layout& layout, attention_weight filters, const terms& t, int pixels,
                  const destination& row) const {
        layout.each_block([&](int first, int vectors, std::size_t floats) {
            const destination to = part_of(row, first, vectors);
            const bool whole = to.channels == vectors * lanes;
            const row_kernel kernel = whole ? store_kernel_of<Fetch>(vectors) : row_kernel_of(vectors);
            kernel(t, weight(filters) + floats, pixels, to, finish_block<activation_kind::identity>);
        });
    }
    // The same in half precision, of the chunk in `halves`.
    void convolve_halves(const convolution_layout& layout, attention_weight filters, int pixels,
                         const destination& row) const {
        const terms_of<std::int32_t> t{{halves}, 1, 1, layout.inputs, 0, layout.inputs};
        layout.each_block([&](int first, int vectors, std::size_t words) {
            half_row_kernel_of(vectors)(t, reinterpret_cast<const std::int32_t*>(weight(filters)) + words, pixels,
                                        part_of(row, first, vectors), finish_block<activation_kind::identity>);
        });
    }

    // Pixels of a ring row from `column` on, as what a 1x1 convolution reads.
    terms from_ring(const float* row, int column) const {
        return {{row + column * lanes}, 1, l.groups(), lanes, group, lanes};
    }
    // Rounds them to half precision, into `halves`.
    void pack_halves_of_ring(const float* row, int column, int pixels) const {
        std::uint16_t* out = reinterpret_cast<std::uint16_t*>(halves);
        for (int x = column; x < column + pixels; ++x)
            for (int g = 0; g < l.groups(); ++g, out += lanes)
                float16_vectors::narrow(out, load(row + g * group + x * lanes));
    }
};

} // namespace fovea::FOVEA_ISA
