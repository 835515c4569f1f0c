// How a call of the attention block is cut into strips of columns, and what each keeps in scratch.
#pragma once
#include "fovea/backend/cpu/attention_weights.hpp"
#include "fovea/backend/cpu/winograd.hpp"
#include "fovea/ops/float_rows.hpp"

namespace fovea::FOVEA_ISA {

inline constexpr int attention_halo = 8;    // 2 of the depthwise filter and 6 of the dilated one
inline constexpr int attention_strip = 256; // rings of 2 MB for A = 64: narrower ones pay more for their ends
// Pixels between the passes over a row: few enough to be still in L1, and whole blocks of 4, 6, 8 or 16.
inline constexpr int attention_chunk = 48;
inline constexpr int attention_zero_rows = 1, attention_p_rows = 5, attention_t_rows = 13, attention_u_rows = 1;
inline constexpr int attention_a_seam = 8, attention_p_seam = 4, attention_t_seam = 12; // columns

inline bool attention_by_winograd(const call& c) { return c.a.method == convolution_method::winograd; }
// Nine rows between the newest row of `a` and the last that u is multiplied with; whole tiles are up to three ahead.
inline int attention_a_rows(const call& c) { return attention_by_winograd(c) ? 12 : 9; }

// Of equal strips, the last may be narrower. They end where tiles do: a cut tile is computed twice.
inline int attention_strip_width(const call& c) {
    const int strips = (c.cols.size() + attention_strip - 1) / attention_strip;
    const int width = (c.cols.size() + strips - 1) / std::max(strips, 1);
    return attention_by_winograd(c) ? (width + small_tile - 1) / small_tile * small_tile : width;
}
inline int attention_strip_end(const call& c, int begin, int width) {
    const int end = begin + width;
    return std::min(attention_by_winograd(c) ? end / small_tile * small_tile : end, c.cols.end);
}
// One column more than needed keeps the groups of channels of a row off the same sets.
inline std::ptrdiff_t attention_group(int strip) { return std::ptrdiff_t(strip + 2 * attention_halo + 1) * lanes; }

// Of `a` and p, for the rows of y.
inline range attention_inner_rows(const call& c) {
    return range{c.rows.begin - attention_halo, c.rows.end + attention_halo}.clip(c.y.height);
}

// Of x, what proj_1 reads for columns of `a`; and how many rows of it at a time.
inline range attention_input_columns(const call& c, range a) {
    const int half = c.a.kernel / 2, grain = attention_by_winograd(c) ? small_tile : 1;
    return {a.begin / grain * grain - half, (a.end + grain - 1) / grain * grain + half};
}
inline int attention_input_rows(const call& c) { return attention_by_winograd(c) ? small_tile + 2 : c.a.kernel; }
// Floats of that copy, and of the chunks.
inline std::size_t attention_copies(const call& c, int strip) {
    if (!c.x[0].in_16_bits() && !c.y.in_16_bits()) return 0;
    const int columns = attention_input_columns(c, {0, strip + 2 * attention_halo}).size() + small_tile;
    const std::size_t floats = float_rows::bytes(c.x[0], columns, attention_input_rows(c)) / sizeof(float) +
                               std::size_t(2 * attention_chunk * c.y.channels);
    return (floats + 15) / 16 * 16;
}
// Pairs of channels of a chunk in half precision, the widest of what the 1x1 convolutions read.
inline std::size_t attention_half_pairs(const call& c) {
    if (!c.a.halves) return 0;
    return std::size_t(attention_chunk *
                       half_layout(1, std::max(c.y.channels, attention_weights::whole(c.a.hidden)), 1).inputs);
}

inline std::size_t attention_block_scratch(const call& c) {
    if (c.cols.empty()) return 0;
    const int groups = attention_weights::whole(c.a.hidden) / lanes;
    const int rows = attention_zero_rows + attention_a_rows(c) + attention_p_rows + attention_t_rows + attention_u_rows;
    const int strip = attention_strip_width(c);
    std::size_t floats = std::size_t(rows * groups) * std::size_t(attention_group(strip));
    if (attention_strip_end(c, c.cols.begin, strip) < c.cols.end)
        floats += std::size_t(attention_inner_rows(c).size() * groups * lanes) *
                  (attention_a_seam + attention_p_seam + attention_t_seam);
    if (attention_by_winograd(c)) floats += winograd_group({c.y.channels, c.a.hidden}).floats();
    return sizeof(float) * (floats + attention_half_pairs(c) + attention_copies(c, strip));
}

} // namespace fovea::FOVEA_ISA
