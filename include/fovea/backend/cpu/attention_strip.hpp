// One strip of columns of the attention block: which columns it computes, and what it keeps in scratch.
//
// A ring keeps the newest rows of one of the tensors between x and y. A ring row is [A / lanes][column][lanes]: the
// depthwise filters then walk through neighbouring cache lines, where NHWC would touch a quarter of the sets of L1.
// Ring column 0 is the image's column cols.begin - halo.
//
// Strips of a call follow each other from left to right. Each hands the last columns of its rows to the next one, which
// would have to compute them again. These columns, the seam, lie in scratch for all rows of the call.
#pragma once
#include <cstring>
#include <utility>

#include "fovea/backend/cpu/attention_scratch.hpp"

namespace fovea::FOVEA_ISA {

struct attention_ring {
    float* data;
    const float* zeros; // the row that stands for rows outside the image
    int rows, height;   // of the ring, of the image
    std::ptrdiff_t stride;
    float* at(int y) const { return data + y % rows * stride; }
    const float* read(int y) const { return y < 0 || y >= height ? zeros : at(y); }
};

struct attention_seam {
    float* data; // [row][A / lanes][columns][lanes]
    int columns;
    int column; // the first one, counted from where two strips meet
};

struct attention_strip {
    range cols;           // of y
    bool first, last;     // of the call's strips
    int left, right;      // ring columns inside the image
    int from;             // the first ring column of `a` and p that is computed here and not taken from a seam
    range inner;          // rows of `a` and p
    int groups;           // vectors of hidden channels
    std::ptrdiff_t group; // floats from one of them to the next in a ring row

    // width: of the call's strips, of which this may be a narrower one.
    attention_strip(const call& c, const attention_weights& l, range columns, int width)
        : cols(columns),
          first(cols.begin == c.cols.begin),
          last(cols.end == c.cols.end),
          left(std::max(0, attention_halo - cols.begin)),
          right(std::min(cols.size() + 2 * attention_halo, c.y.width - cols.begin + attention_halo)),
          from(first ? left : std::min(2 * attention_halo, right)),
          inner(attention_inner_rows(c)),
          groups(l.groups()),
          group(attention_group(width)) {}

    int image_column(int ring_column) const { return cols.begin - attention_halo + ring_column; }
    range computed_columns() const { return {image_column(from), image_column(right)}; } // of `a`, in the image
    int computed() const { return right - from; }

    // f(first, pixels) for chunks of the pixels that are computed of a row of `a` or p.
    template <class F> void each_chunk(F f) const {
        for (int done = 0; done < computed(); done += attention_chunk)
            f(done, std::min(attention_chunk, computed() - done));
    }

    // Columns outside the image are zeros in every row of a ring.
    void clear_outside(const attention_ring& r) const {
        const int end = cols.size() + 2 * attention_halo;
        for (int i = 0; i < r.rows * groups; ++i) {
            float* row = r.data + i * group;
            std::memset(row, 0, sizeof(float) * std::size_t(left * lanes));
            std::memset(row + right * lanes, 0, sizeof(float) * std::size_t((end - right) * lanes));
        }
    }
    // Completes row y by what the strip before left of it, then leaves what the next strip needs.
    void join(const attention_ring& r, const attention_seam& s, int y) const {
        const auto copy = [&](int meeting, bool in) {
            float* kept = s.data + std::ptrdiff_t(y - inner.begin) * groups * s.columns * lanes;
            float* row = r.at(y) + (meeting + s.column) * lanes;
            for (int g = 0; g < groups; ++g, kept += s.columns * lanes, row += group)
                std::memcpy(in ? row : kept, in ? kept : row, sizeof(float) * std::size_t(s.columns * lanes));
        };
        if (!first) copy(attention_halo, true);
        if (!last) copy(attention_halo + cols.size(), false);
    }
};

// What lies in scratch, in this order behind the copies of rows of x.
struct attention_memory {
    float *skip = nullptr, *sum = nullptr; // float32 chunks of x and of y, where these are in 16 bits
    attention_ring a, p, t, u;
    float* planes;        // of Winograd's tiles
    std::int32_t* halves; // a chunk of what a 1x1 convolution reads
    attention_seam a_seam, p_seam, t_seam;

    attention_memory(const call& c, const attention_weights& l, const attention_strip& strip, int width) {
        const std::ptrdiff_t row = strip.group * strip.groups;
        const std::size_t copies = attention_copies(c, width);
        float* next = reinterpret_cast<float*>(c.scratch) + copies;
        if (copies) sum = next - attention_chunk * l.features, skip = sum - attention_chunk * l.features;
        const auto take = [&](std::ptrdiff_t floats) { return std::exchange(next, next + floats); };
        float* zeros = take(attention_zero_rows * row);
        std::fill_n(zeros, row, 0.f);
        const auto make_ring = [&](int rows) { return attention_ring{take(rows * row), zeros, rows, c.y.height, row}; };
        a = make_ring(attention_a_rows(c));
        p = make_ring(attention_p_rows);
        t = make_ring(attention_t_rows);
        u = make_ring(attention_u_rows);
        planes = take(l.winograd ? std::ptrdiff_t(winograd_group(l.proj_1_tiles()).floats()) : 0);
        halves = reinterpret_cast<std::int32_t*>(take(std::ptrdiff_t(attention_half_pairs(c))));
        const auto make_seam = [&](int columns, int column) {
            const bool alone = strip.first && strip.last;
            return attention_seam{alone ? nullptr : take(strip.inner.size() * strip.groups * columns * lanes), columns,
                                  column};
        };
        a_seam = make_seam(attention_a_seam, 0);
        p_seam = make_seam(attention_p_seam, attention_dilated_radius - attention_depthwise_radius);
        t_seam = make_seam(attention_t_seam, -attention_dilated_radius);
    }
};

} // namespace fovea::FOVEA_ISA
