// VapSR's attention block (Zhou et al., ECCV Workshops 2022, arXiv 2210.05960) in one pass over the rows:
//
//   a = GELU(proj_1(x))                                  K x K, F -> A
//   p = pointwise(a)                                     1 x 1, A -> A
//   t = depthwise(p)                                     5 x 5
//   u = depthwise_dilated(t) a                           5 x 5, dilation 3
//   y = LayerNorm(proj_2(u) + x)                         1 x 1, A -> F
//
//   x[0], y  (N,H,W,F), not the same memory; float32 or 16 bits     w[0]  packed by pack_attention_block
//   c.a: hidden = A, kernel = K, epsilon, halves, and the method of proj_1: direct or, for K = 3, winograd
//
// Columns are cut into strips (attention_strip.hpp). In a strip rows advance one at a time, and the tensors between x
// and y stay in rings of rows in scratch, which fit L2 or nearly so.
//
// Every convolution pads its own input with zeros outside the image. What a call needs beyond its rows inside the image
// it computes again.
//
// Winograd's tiles give four rows of `a` at a time. They lie at multiples of four in the image (winograd.hpp says why),
// and x must hold what whole tiles read.
//
// Where x is in 16 bits, the rows that proj_1 reads are widened to float32, once in a strip; the sum with x passes
// through a chunk of floats on its way to y.
//
// Where c.a.halves is set, the 1x1 convolutions multiply in half precision (half_products.hpp): a chunk of what they
// read is rounded to it, all else stays float32.
#pragma once
#include "fovea/backend/cpu/attention_filters.hpp"
#include "fovea/backend/cpu/attention_products.hpp"
#include "fovea/backend/cpu/normalise.hpp"

namespace fovea::FOVEA_ISA {

inline void gelu_vectors(float* y, int count) {
    for (float* end = y + count * lanes; y < end; y += lanes) store(y, approximate_gelu(load(y)));
}

// The block on one strip of columns of one image.
class attention_stream {
    const call& c_;
    const attention_weights& l_;
    int n_; // the image
    attention_strip strip_;
    attention_memory memory_;
    attention_products products_;
    float_rows x_;                     // what proj_1 reads
    winograd_tiles<small_tile> tiles_; // of `a`

  public:
    attention_stream(const call& c, const attention_weights& l, int n, range cols, int width)
        : c_(c),
          l_(l),
          n_(n),
          strip_(c, l, cols, width),
          memory_(c, l, strip_, width),
          products_{l, c.weight<float>(0), strip_.group, memory_.halves},
          x_(c.x[0], attention_input_columns(c, strip_.computed_columns()), attention_input_rows(c), c.scratch),
          tiles_(x_.view(), {n, n + 1}, strip_.inner, strip_.computed_columns()) {}

    void run() {
        strip_.clear_outside(memory_.p);
        strip_.clear_outside(memory_.t);
        const int height = c_.y.height;
        int next_a = strip_.inner.begin, next_p = strip_.inner.begin,
            next_t = std::max(0, c_.rows.begin - attention_dilated_radius);
        for (int y = c_.rows.begin; y < c_.rows.end; ++y) {
            for (; next_t < std::min(height, y + attention_dilated_radius + 1); ++next_t) {
                for (; next_p < std::min(height, next_t + attention_depthwise_radius + 1); ++next_p) {
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
    const float* weight(attention_weight i) const { return products_.weight(i); }

    // Where the computed pixels of a ring row go.
    destination into(float* ring_row, attention_weight bias) const {
        return {.y = ring_row + strip_.from * lanes,
                .pixel_step = lanes,
                .vector_step = strip_.group,
                .channels = strip_.groups * lanes,
                .bias = weight(bias),
                .skip = nullptr,
                .slope = 0};
    }

    // a = GELU(proj_1(x)) from row y on; returns the first row that is still missing.
    int project(int y) {
        const int half = l_.kernel / 2;
        int end = y + 1;
        if (l_.winograd) {
            const int top = y / small_tile * small_tile;
            end = std::min(top + small_tile, strip_.inner.end);
            x_.fetch(widen, n_, {top - half, top + small_tile + half}, y == strip_.inner.begin);
            project_tiles(y);
        } else {
            if (!l_.projects_halves()) x_.fetch(widen, n_, {y - half, y + half + 1}, y == strip_.inner.begin);
            project_row(y);
        }
        for (int i = y; i < end; ++i) strip_.join(memory_.a, memory_.a_seam, i);
        return end;
    }
    void project_row(int y) {
        strip_.each_chunk([&](int done, int pixels) {
            destination to = into(memory_.a.at(y), proj_1_bias);
            to.y += done * lanes;
            project_chunk(y, strip_.image_column(strip_.from) + done, pixels, to);
            for (int g = 0; g < strip_.groups; ++g) gelu_vectors(to.y + g * strip_.group, pixels);
        });
    }
    void project_chunk(int y, int column, int pixels, const destination& to) {
        if constexpr (multiplies_halves)
            if (l_.projects_halves()) {
                pack_half_pixels(c_.x[0], n_, y, column, pixels, memory_.halves);
                return products_.convolve_halves(l_.proj_1, proj_1_filters, pixels, to);
            }
        const window& x = x_.view();
        const int half = l_.kernel / 2;
        terms t{{}, l_.kernel, 1, l_.kernel * l_.features, 0, l_.features};
        for (int i = 0; i < l_.kernel; ++i) t.row[i] = x.read<float>(n_, y + i - half, column - half);
        products_.convolve<fetch_operands>(l_.proj_1, proj_1_filters, t, pixels, to);
    }
    void project_tiles(int y) {
        const auto to = [&](int, int row, int x, int channel, int channels) {
            destination d = into(memory_.a.at(row), proj_1_bias);
            d.y += (x - strip_.image_column(strip_.from)) * lanes + channel / lanes * strip_.group;
            d.bias += channel;
            d.channels = (channels + lanes - 1) / lanes * lanes;
            return d;
        };
        convolve_tiles(l_.proj_1_tiles(), weight(proj_1_filters), tiles_, tiles_.row_of(y), to,
                       tile_epilogue_for<small_tile, activation_kind::gelu>, memory_.planes);
    }

    // p = pointwise(a)
    void mix(int y) {
        const float* a = memory_.a.at(y);
        const destination to = into(memory_.p.at(y), pointwise_bias);
        if (!l_.halves)
            products_.convolve<fetch_nothing>(l_.pointwise, pointwise_filters, products_.from_ring(a, strip_.from),
                                              strip_.computed(), to);
        if constexpr (multiplies_halves)
            if (l_.halves)
                strip_.each_chunk([&](int done, int pixels) {
                    destination chunk = to;
                    chunk.y += done * lanes;
                    products_.pack_halves_of_ring(a, strip_.from + done, pixels);
                    products_.convolve_halves(l_.pointwise, pointwise_filters, pixels, chunk);
                });
        strip_.join(memory_.p, memory_.p_seam, y);
    }

    // t = depthwise(p), of the columns of y and of those that the dilated filter reads beside them
    void filter(int y) {
        constexpr int radius = attention_depthwise_radius;
        const int from = strip_.first ? std::max(strip_.left, radius) : attention_halo + attention_dilated_radius;
        const int to = std::min(strip_.right, strip_.cols.size() + 2 * attention_halo - radius);
        const float* row[5];
        for (int i = 0; i < 5; ++i) row[i] = memory_.p.read(y - radius + i) + (from - radius) * lanes;
        filter_row<1>(row, to - from, strip_.group, strip_.groups, weight(depthwise_filters), weight(depthwise_bias),
                      nullptr, memory_.t.at(y) + from * lanes);
        strip_.join(memory_.t, memory_.t_seam, y);
    }
    // u = depthwise_dilated(t) a
    void filter_dilated(int y) {
        constexpr int dilation = 3, radius = attention_dilated_radius, first = attention_halo * lanes;
        const float* row[5];
        for (int i = 0; i < 5; ++i) row[i] = memory_.t.read(y - radius + dilation * i) + first - radius * lanes;
        filter_row<dilation>(row, strip_.cols.size(), strip_.group, strip_.groups, weight(dilated_filters),
                             weight(dilated_bias), memory_.a.at(y) + first, memory_.u.at(y) + first);
    }

    // sum = proj_2(u) + skip
    void project_back(int y, int column, int pixels, const destination& to) {
        if constexpr (multiplies_halves)
            if (l_.halves) {
                products_.pack_halves_of_ring(memory_.u.at(y), column, pixels);
                return products_.convolve_halves(l_.proj_2, proj_2_filters, pixels, to);
            }
        products_.convolve<fetch_ends>(l_.proj_2, proj_2_filters, products_.from_ring(memory_.u.at(y), column), pixels,
                                       to);
    }
    // y = LayerNorm(proj_2(u) + x), a chunk at a time, which the normalisation still finds in L1
    void finish(int y) {
        const int F = l_.features;
        const window &x = c_.x[0], &to = c_.y;
        for (int column = strip_.cols.begin; column < strip_.cols.end; column += attention_chunk) {
            const int pixels = std::min(attention_chunk, strip_.cols.end - column);
            if (x.in_16_bits()) widen(x.format, x.at<const std::uint16_t>(n_, y, column), memory_.skip, pixels * F);
            float* sum = to.in_16_bits() ? memory_.sum : to.at<float>(n_, y, column);
            project_back(y, attention_halo + column - strip_.cols.begin, pixels,
                         {.y = sum,
                          .pixel_step = F,
                          .vector_step = lanes,
                          .channels = F,
                          .bias = weight(proj_2_bias),
                          .skip = x.in_16_bits() ? memory_.skip : x.at<const float>(n_, y, column),
                          .slope = 0});
            layer_norm_row(sum, sum, pixels, F, {weight(norm_scale), weight(norm_offset), c_.a.epsilon});
            if (to.in_16_bits()) narrow(to.format, sum, to.at<std::uint16_t>(n_, y, column), pixels * F);
        }
    }
};

inline void attention_block(const call& c) {
    const attention_weights l(c.y.channels, c.a.hidden, c.a.kernel, c.a);
    const int width = attention_strip_width(c);
    for (int n = c.images.begin; n < c.images.end; ++n)
        for (int x = c.cols.begin, end; x < c.cols.end; x = end) {
            end = attention_strip_end(c, x, width);
            attention_stream(c, l, n, {x, end}, width).run();
        }
}

} // namespace fovea::FOVEA_ISA
