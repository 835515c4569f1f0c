// The block of VapSR (Zhou et al., ECCV Workshops 2022, arXiv 2210.05960) in one pass over the rows:
//
//   a = GELU(proj_1(x))                                  K x K, F -> A
//   p = pointwise(a)                                     1 x 1, A -> A
//   t = depthwise(p)                                     5 x 5
//   u = depthwise_dilated(t) a                           5 x 5, dilation 3
//   y = LayerNorm(proj_2(u) + x)                         1 x 1, A -> F
//
//   x[0], y  (N,H,W,F), y not x; float32 or 16 bits     w[0]  packed by pack_attention_block
//   c.a: hidden = A, kernel = K, epsilon, method: of proj_1, direct or (K = 3) winograd; halves
//
// Columns are cut into strips; in a strip rows advance one at a time, and what lies between x and y stays in rings of
// rows in scratch, in L2 or not far from it. A ring row is [A / lanes][column][lanes]: the depthwise filters then walk
// through neighbouring lines, where NHWC would touch a quarter of the sets of L1.
//
// Every convolution pads its own input with zeros outside the image; what a call needs beyond its edges inside the
// image is computed again. Strips of one call follow each other from left to right, and each hands to the next the last
// columns of its rows, the seam, which lies in scratch for all rows of the call.
//
// Winograd's tiles give four rows of `a` at a time; winograd.hpp says why they lie at multiples of four in the image,
// and x must hold what whole tiles read.
//
// Of x in 16 bits the rows that proj_1 reads are copied to float32, once in a strip; the sum with x and what becomes of
// it pass through a chunk of floats.
//
// Where c.a.halves is set the 1 x 1 convolutions multiply in half precision (half_products.hpp): a chunk of what they
// read is rounded to it on the way, the rest stays float32.
#pragma once
#include <cstring>
#include <utility>

#include "fovea/backend/cpu/attention_scratch.hpp"
#include "fovea/backend/cpu/half.hpp"
#include "fovea/backend/cpu/normalise.hpp"

namespace fovea::FOVEA_ISA {

// Five rows of a 5 x 5 filter, D columns between taps, on all groups of channels of n columns; times `factor` if given.
template <int D>
void filter_row(const float* const (&row)[5], int n, std::ptrdiff_t group, int groups, const float* taps,
                const float* bias, const float* factor, float* out) {
    const auto block = [&](auto size, std::ptrdiff_t at) {
        constexpr int B = decltype(size)::value;
        vf acc[B];
        FOVEA_UNROLL
        for (int b = 0; b < B; ++b) acc[b] = load(bias);
        sum_taps<5, D, lanes>(row, at, lanes, taps, acc);
        FOVEA_UNROLL
        for (int b = 0; b < B; ++b) {
            const std::ptrdiff_t to = at + b * lanes;
            store(out + to, factor ? acc[b] * load(factor + to) : acc[b]);
        }
    };
    constexpr int B = depthwise_block;
    for (int g = 0; g < groups; ++g, taps += 25 * lanes, bias += lanes) {
        int x = 0;
        if (n >= B)
            for (; x < n; x += B) block(std::integral_constant<int, B>{}, g * group + std::min(x, n - B) * lanes);
        for (; x < n; ++x) block(std::integral_constant<int, 1>{}, g * group + x * lanes);
    }
}

inline void gelu_vectors(float* y, int count) {
    for (float* end = y + count * lanes; y < end; y += lanes) store(y, approximate_gelu(load(y)));
}

// One strip of columns of one image.
class attention_stream {
    struct ring {
        float* data;
        const float* zeros;
        int rows, height;
        std::ptrdiff_t stride;
        float* at(int y) const { return data + y % rows * stride; }
        const float* read(int y) const { return y < 0 || y >= height ? zeros : at(y); }
    };
    // Of every row, the columns that two neighbouring strips need: [row][A / lanes][column][lanes].
    struct seam {
        float* data;
        int columns, column; // the first of them, counted from where the strips meet
    };

    const call& c_;
    const attention_weights& l_;
    const float* w_;
    int n_;
    range cols_;
    bool first_, last_; // of the call's strips
    int left_, right_;  // ring columns inside the image; ring column 0 is image column cols.begin - halo
    int from_;          // ring column from which on `a` and p are computed here
    std::ptrdiff_t group_;
    range inner_; // rows of `a` and p
    float_rows x_;
    ring a_, p_, t_, u_;
    seam a_seam_, p_seam_, t_seam_;
    winograd_tiles<small_tile> tiles_;                 // of `a`
    float *planes_, *skip_ = nullptr, *sum_ = nullptr; // chunks of x and y
    std::int32_t* halves_;                             // a chunk of what a 1x1 convolution reads

  public:
    attention_stream(const call& c, const attention_weights& l, int n, range cols, int strip)
        : c_(c),
          l_(l),
          w_(c.weight<float>(0)),
          n_(n),
          cols_(cols),
          first_(cols.begin == c.cols.begin),
          last_(cols.end == c.cols.end),
          left_(std::max(0, attention_halo - cols.begin)),
          right_(std::min(cols.size() + 2 * attention_halo, c.y.width - cols.begin + attention_halo)),
          from_(first_ ? left_ : std::min(2 * attention_halo, right_)),
          group_(attention_group(strip)),
          inner_(attention_inner_rows(c)),
          x_(c.x[0], attention_input_columns(c, {image_column(from_), image_column(right_)}), attention_input_rows(c),
             c.scratch),
          tiles_(x_.view(), {n, n + 1}, inner_, {image_column(from_), image_column(right_)}) {
        const std::ptrdiff_t row = group_ * l.groups();
        const std::size_t copies = attention_copies(c, strip);
        float* next = reinterpret_cast<float*>(c.scratch) + copies;
        if (copies) sum_ = next - attention_chunk * l.features, skip_ = sum_ - attention_chunk * l.features;
        const auto take = [&](std::ptrdiff_t floats) { return std::exchange(next, next + floats); };
        const float* zeros = take(attention_zero_rows * row);
        std::fill_n(const_cast<float*>(zeros), row, 0.f);
        const auto make_ring = [&](int rows) { return ring{take(rows * row), zeros, rows, c.y.height, row}; };
        a_ = make_ring(attention_a_rows(c));
        p_ = make_ring(attention_p_rows);
        t_ = make_ring(attention_t_rows);
        u_ = make_ring(attention_u_rows);
        planes_ = take(l.winograd ? std::ptrdiff_t(winograd_group(l.proj_1_tiles()).floats()) : 0);
        halves_ = reinterpret_cast<std::int32_t*>(take(std::ptrdiff_t(attention_half_pairs(c))));
        const auto make_seam = [&](int columns, int column) {
            return seam{first_ && last_ ? nullptr : take(inner_.size() * l.groups() * columns * lanes), columns,
                        column};
        };
        a_seam_ = make_seam(attention_a_seam, 0);
        p_seam_ = make_seam(attention_p_seam, 4);
        t_seam_ = make_seam(attention_t_seam, -6);
    }

    void run() {
        clear_outside(p_);
        clear_outside(t_);
        const int height = c_.y.height;
        int next_a = inner_.begin, next_p = inner_.begin, next_t = std::max(0, c_.rows.begin - 6);
        for (int y = c_.rows.begin; y < c_.rows.end; ++y) {
            for (; next_t < std::min(height, y + 7); ++next_t) {
                for (; next_p < std::min(height, next_t + 3); ++next_p) {
                    if (next_p == next_a) next_a = project(next_a);
                    mix(next_p);
                }
                filter(next_t);
            }
            filter_dilated(y);
            finish(y);
        }
    }

  private:
    void clear_outside(const ring& r) {
        const int end = cols_.size() + 2 * attention_halo;
        for (int i = 0; i < r.rows * l_.groups(); ++i) {
            float* group = r.data + i * group_;
            std::memset(group, 0, sizeof(float) * std::size_t(left_ * lanes));
            std::memset(group + right_ * lanes, 0, sizeof(float) * std::size_t((end - right_) * lanes));
        }
    }
    int image_column(int ring_column) const { return cols_.begin - attention_halo + ring_column; }
    const float* weight(int i) const { return w_ + l_.at[i]; }

    // What the strip before left of row y, and then what this one leaves to the next.
    void join(const ring& r, const seam& s, int y) {
        const auto copy = [&](int from, bool in) {
            float* kept = s.data + std::ptrdiff_t(y - inner_.begin) * l_.groups() * s.columns * lanes;
            float* row = r.at(y) + (from + s.column) * lanes;
            for (int g = 0; g < l_.groups(); ++g, kept += s.columns * lanes, row += group_)
                std::memcpy(in ? row : kept, in ? kept : row, sizeof(float) * std::size_t(s.columns * lanes));
        };
        if (!first_) copy(attention_halo, true);
        if (!last_) copy(attention_halo + cols_.size(), false);
    }

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
    void convolve(const convolution_layout& layout, int weights, const terms& t, int pixels, const destination& row) {
        layout.each_block([&](int first, int vectors, std::size_t floats) {
            const destination to = part_of(row, first, vectors);
            const bool whole = to.channels == vectors * lanes;
            const row_kernel kernel = whole ? store_kernel_of<Fetch>(vectors) : row_kernel_of(vectors);
            kernel(t, weight(weights) + floats, pixels, to, finish_block<activation_kind::identity>);
        });
    }
    // The same in half precision, of a chunk that lies in halves_.
    void convolve_halves(const convolution_layout& layout, int weights, int pixels, const destination& row) {
        const terms_of<std::int32_t> t{{halves_}, 1, 1, layout.inputs, 0, layout.inputs};
        layout.each_block([&](int first, int vectors, std::size_t words) {
            half_row_kernel_of(vectors)(t, reinterpret_cast<const std::int32_t*>(weight(weights)) + words, pixels,
                                        part_of(row, first, vectors), finish_block<activation_kind::identity>);
        });
    }
    void pack_halves_of_ring(const float* row, int column, int pixels) {
        std::uint16_t* out = reinterpret_cast<std::uint16_t*>(halves_);
        for (int x = column; x < column + pixels; ++x)
            for (int g = 0; g < l_.groups(); ++g, out += lanes)
                float16_vectors::narrow(out, load(row + g * group_ + x * lanes));
    }
    // f(first, pixels) for chunks of a row of `a`, from the first ring column that is computed here.
    template <class F> void each_chunk(F f) const {
        for (int done = 0; done < right_ - from_; done += attention_chunk)
            f(done, std::min(attention_chunk, right_ - from_ - done));
    }
    destination into(float* ring_row, int bias) const {
        return {.y = ring_row + from_ * lanes,
                .pixel_step = lanes,
                .vector_step = group_,
                .channels = l_.groups() * lanes,
                .bias = weight(bias),
                .skip = nullptr,
                .slope = 0};
    }
    terms from_ring(const float* row, int column) const {
        return {{row + column * lanes}, 1, l_.groups(), lanes, group_, lanes};
    }

    // a = GELU(proj_1(x)) from row y on; returns the row up to which.
    int project(int y) {
        const int half = l_.kernel / 2;
        int end = y + 1;
        if (l_.winograd) {
            const int top = y / small_tile * small_tile;
            end = std::min(top + small_tile, inner_.end);
            x_.fetch(widen, n_, {top - half, top + small_tile + half}, y == inner_.begin);
            project_tiles(y);
        } else {
            if (!l_.projects_halves()) x_.fetch(widen, n_, {y - half, y + half + 1}, y == inner_.begin);
            project_row(y);
        }
        for (int i = y; i < end; ++i) join(a_, a_seam_, i);
        return end;
    }
    void project_row(int y) {
        each_chunk([&](int done, int pixels) {
            destination to = into(a_.at(y), 1);
            to.y += done * lanes;
            project_chunk(y, image_column(from_) + done, pixels, to);
            for (int g = 0; g < l_.groups(); ++g) gelu_vectors(to.y + g * group_, pixels);
        });
    }
    void project_chunk(int y, int column, int pixels, const destination& to) {
        if constexpr (multiplies_halves)
            if (l_.projects_halves()) {
                pack_half_pixels(c_.x[0], n_, y, column, pixels, halves_);
                return convolve_halves(l_.proj_1, 0, pixels, to);
            }
        const window& x = x_.view();
        const int half = l_.kernel / 2;
        terms t{{}, l_.kernel, 1, l_.kernel * l_.features, 0, l_.features};
        for (int i = 0; i < l_.kernel; ++i) t.row[i] = x.read<float>(n_, y + i - half, column - half);
        convolve<fetch_operands>(l_.proj_1, 0, t, pixels, to);
    }
    void project_tiles(int y) {
        const auto to = [&](int, int row, int x, int channel, int channels) {
            destination d = into(a_.at(row), 1);
            d.y += (x - image_column(from_)) * lanes + channel / lanes * group_;
            d.bias += channel;
            d.channels = (channels + lanes - 1) / lanes * lanes;
            return d;
        };
        convolve_tiles(l_.proj_1_tiles(), weight(0), tiles_, tiles_.row_of(y), to,
                       tile_epilogue_for<small_tile, activation_kind::gelu>, planes_);
    }
    // p = pointwise(a)
    void mix(int y) {
        const destination to = into(p_.at(y), 3);
        if (!l_.halves) convolve<fetch_nothing>(l_.pointwise, 2, from_ring(a_.at(y), from_), right_ - from_, to);
        if constexpr (multiplies_halves)
            if (l_.halves)
                each_chunk([&](int done, int pixels) {
                    destination chunk = to;
                    chunk.y += done * lanes;
                    pack_halves_of_ring(a_.at(y), from_ + done, pixels);
                    convolve_halves(l_.pointwise, 2, pixels, chunk);
                });
        join(p_, p_seam_, y);
    }
    // t = depthwise(p), 6 columns around those of y
    void filter(int y) {
        const int from = first_ ? std::max(left_, 2) : attention_halo + 6;
        const int to = std::min(right_, cols_.size() + 2 * attention_halo - 2);
        const float* row[5];
        for (int i = 0; i < 5; ++i) row[i] = p_.read(y - 2 + i) + (from - 2) * lanes;
        filter_row<1>(row, to - from, group_, l_.groups(), weight(4), weight(5), nullptr, t_.at(y) + from * lanes);
        join(t_, t_seam_, y);
    }
    // u = depthwise_dilated(t) a
    void filter_dilated(int y) {
        const float* row[5];
        for (int i = 0; i < 5; ++i) row[i] = t_.read(y - 6 + 3 * i) + (attention_halo - 6) * lanes;
        filter_row<3>(row, cols_.size(), group_, l_.groups(), weight(6), weight(7), a_.at(y) + attention_halo * lanes,
                      u_.at(y) + attention_halo * lanes);
    }
    void project_back(int y, int column, int pixels, const destination& to) {
        if constexpr (multiplies_halves)
            if (l_.halves) {
                pack_halves_of_ring(u_.at(y), column, pixels);
                return convolve_halves(l_.proj_2, 8, pixels, to);
            }
        convolve<fetch_ends>(l_.proj_2, 8, from_ring(u_.at(y), column), pixels, to);
    }
    // y = LayerNorm(proj_2(u) + x), some pixels at a time, that the second pass still finds in L1
    void finish(int y) {
        const int F = l_.features;
        const window &x = c_.x[0], &to = c_.y;
        for (int column = cols_.begin; column < cols_.end; column += attention_chunk) {
            const int pixels = std::min(attention_chunk, cols_.end - column);
            if (x.in_16_bits()) widen(x.format, x.at<const std::uint16_t>(n_, y, column), skip_, pixels * F);
            float* sum = to.in_16_bits() ? sum_ : to.at<float>(n_, y, column);
            project_back(y, attention_halo + column - cols_.begin, pixels,
                         {.y = sum,
                          .pixel_step = F,
                          .vector_step = lanes,
                          .channels = F,
                          .bias = weight(9),
                          .skip = x.in_16_bits() ? skip_ : x.at<const float>(n_, y, column),
                          .slope = 0});
            layer_norm_row(sum, sum, pixels, F, {weight(10), weight(11), c_.a.epsilon});
            if (to.in_16_bits()) narrow(to.format, sum, to.at<std::uint16_t>(n_, y, column), pixels * F);
        }
    }
};

inline void attention_block(const call& c) {
    const attention_weights l(c.y.channels, c.a.hidden, c.a.kernel, c.a);
    const int strip = attention_strip_width(c);
    for (int n = c.images.begin; n < c.images.end; ++n)
        for (int x = c.cols.begin, end; x < c.cols.end; x = end) {
            end = attention_strip_end(c, x, strip);
            attention_stream(c, l, n, {x, end}, strip).run();
        }
}

} // namespace fovea::FOVEA_ISA
