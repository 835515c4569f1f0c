// How a call of the attention block is cut into strips of columns, and how much each keeps in scratch.
#pragma once
#include "fovea/backend/cpu/attention_weights.hpp"
#include "fovea/backend/cpu/winograd.hpp"
#include "fovea/ops/float_rows.hpp"

namespace fovea::FOVEA_ISA {

// Rows and columns that the depthwise filters read on either side of a pixel: 5 taps, and 5 taps with dilation 3.
inline constexpr int attention_depthwise_radius = 2, attention_dilated_radius = 6;
// What `a` and p are computed of beyond the rows and columns of y.
inline constexpr int attention_halo = attention_depthwise_radius + attention_dilated_radius;

// Columns of a strip, at most. With A = 64 its rings take 2 MB. Narrower strips pay more for their ends.
inline constexpr int attention_strip_columns = 256;
// Pixels between the passes over a row: so few that they are still in L1, and whole blocks of 4, 6, 8 or 16.
inline constexpr int attention_chunk = 48;

// Rows of the rings: all that the filter behind reads. One further row holds zeros.
inline constexpr int attention_zero_rows = 1, attention_p_rows = 2 * attention_depthwise_radius + 1,
                     attention_t_rows = 2 * attention_dilated_radius + 1, attention_u_rows = 1;
// Columns of a row that a strip hands to the next.
inline constexpr int attention_a_seam = attention_halo, attention_p_seam = 2 * attention_depthwise_radius,
                     attention_t_seam = 2 * attention_dilated_radius;

inline bool attention_by_winograd(const call& c) { return c.a.method == convolution_method::winograd; }
// Nine rows lie between the newest row of `a` and the last one that u is multiplied with; whole tiles are up to three
// rows ahead.
inline int attention_a_rows(const call& c) { return attention_by_winograd(c) ? 12 : 9; }

// The width of strips: equal ones, of which the last may be narrower. They end where tiles do, because a tile that is
// cut is computed twice.
inline int attention_strip_width(const call& c) {
    const int strips = (c.cols.size() + attention_strip_columns - 1) / attention_strip_columns;
    const int width = (c.cols.size() + strips - 1) / std::max(strips, 1);
    return attention_by_winograd(c) ? (width + small_tile - 1) / small_tile * small_tile : width;
}
inline int attention_strip_end(const call& c, int begin, int width) {
    const int end = begin + width;
    return std::min(attention_by_winograd(c) ? end / small_tile * small_tile : end, c.cols.end);
}
// Floats from one vector of channels of a ring row to the next. One column more than a strip needs keeps these vectors
// off the same sets of the cache.
inline std::ptrdiff_t attention_group(int strip) { return std::ptrdiff_t(strip + 2 * attention_halo + 1) * lanes; }

// The rows of `a` and p that the rows of y need.
inline range attention_inner_rows(const call& c) {
    return range{c.rows.begin - attention_halo, c.rows.end + attention_halo}.clip(c.y.height);
}

// The columns of x that proj_1 reads for the columns `a`, and how many rows of x it reads at a time.
inline range attention_input_columns(const call& c, range a) {
    const int half = c.a.kernel / 2, grain = attention_by_winograd(c) ? small_tile : 1;
    return {a.begin / grain * grain - half, (a.end + grain - 1) / grain * grain + half};
}
inline int attention_input_rows(const call& c) { return attention_by_winograd(c) ? small_tile + 2 : c.a.kernel; }
// Floats of the copies of tensors in 16 bits: the rows of x that proj_1 reads, and a chunk each of x and y.
inline std::size_t attention_copies(const call& c, int strip) {
    if (!c.x[0].in_16_bits() && !c.y.in_16_bits()) return 0;
    const int columns = attention_input_columns(c, {0, strip + 2 * attention_halo}).size() + small_tile;
    const std::size_t floats = float_rows::bytes(c.x[0], columns, attention_input_rows(c)) / sizeof(float) +
                               std::size_t(2 * attention_chunk * c.y.channels);
    return (floats + 15) / 16 * 16;
}
// Pairs of channels of a chunk in half precision, of the widest tensor that a 1x1 convolution reads.
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
