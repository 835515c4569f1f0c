// The block of VapSR (Zhou et al., ECCV Workshops 2022, arXiv 2210.05960) in one pass over the rows:
//
//   a = GELU(proj_1(x))                                  K x K, F -> A
//   p = pointwise(a)                                     1 x 1, A -> A
//   t = depthwise(p)                                     5 x 5
//   u = depthwise_dilated(t) a                           5 x 5, dilation 3
//   y = LayerNorm(proj_2(u) + x)                         1 x 1, A -> F
//
//   x[0], y  (N,H,W,F), y not x     w[0]  packed by pack_attention_block
//   c.a: hidden = A, kernel = K, epsilon, method: of proj_1, direct or (K = 3) winograd
//
// Columns are cut into strips; in a strip rows advance one at a time, and what lies between x and y stays in rings of
// rows in scratch, small enough for L2. A ring row is [A / lanes][column][lanes]: the depthwise filters then walk
// through neighbouring lines, where NHWC would touch a quarter of the sets of L1. Every convolution pads its own input
// with zeros outside the image; what a strip or a call needs beyond its edges inside the image is computed again.
// Winograd's tiles give four rows of `a` at a time; winograd.hpp says why they lie at multiples of four in the image,
// and x must hold what whole tiles read.
#pragma once
#include <cstring>

#include "fovea/backend/cpu/attention_weights.hpp"
#include "fovea/backend/cpu/normalise.hpp"
#include "fovea/backend/cpu/winograd.hpp"

namespace fovea::FOVEA_ISA {

// Any number of channels; whole vectors of them, and A up to 64, are what it is made for.
inline bool attention_block_supported(int features, int hidden, int kernel) {
    return features > 0 && hidden > 0 && kernel % 2 == 1 && kernel <= max_kernel;
}

inline constexpr int attention_halo = 8; // 2 of the depthwise filter and 6 of the dilated one
inline constexpr int attention_strip = 128;
inline constexpr int attention_zero_rows = 1, attention_p_rows = 5, attention_t_rows = 13, attention_u_rows = 1;

inline bool attention_by_winograd(const call& c) { return c.a.method == convolution_method::winograd; }
// Nine rows between the newest row of `a` and the last that u is multiplied with; whole tiles are up to three ahead.
inline int attention_a_rows(const call& c) { return attention_by_winograd(c) ? 12 : 9; }

// Of equal strips, the last may be narrower. They end where tiles do: a cut tile is computed twice.
inline int attention_strip_width(const call& c) {
    const int strips = (c.cols.size() + attention_strip - 1) / attention_strip;
    const int width = (c.cols.size() + strips - 1) / std::max(strips, 1);
    return attention_by_winograd(c) ? (width + winograd_outputs - 1) / winograd_outputs * winograd_outputs : width;
}
inline int attention_strip_end(const call& c, int begin, int width) {
    const int end = begin + width;
    return std::min(attention_by_winograd(c) ? end / winograd_outputs * winograd_outputs : end, c.cols.end);
}
// One column more than needed keeps the groups of channels of a row off the same sets.
inline std::ptrdiff_t attention_group(int strip) { return std::ptrdiff_t(strip + 2 * attention_halo + 1) * lanes; }

inline std::size_t attention_block_scratch(const call& c) {
    if (c.cols.empty()) return 0;
    const int groups = attention_weights::whole(c.a.hidden) / lanes;
    const int rows = attention_zero_rows + attention_a_rows(c) + attention_p_rows + attention_t_rows + attention_u_rows;
    std::size_t floats = std::size_t(rows * groups) * std::size_t(attention_group(attention_strip_width(c)));
    if (attention_by_winograd(c)) floats += winograd_group({c.y.channels, c.a.hidden}).floats();
    return sizeof(float) * floats;
}

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

    const call& c_;
    const attention_weights& l_;
    const float* w_;
    int n_, x0_, width_;
    int left_, right_; // ring columns inside the image; ring column 0 is image column x0 - halo
    std::ptrdiff_t group_;
    ring a_, p_, t_, u_;
    winograd_tiles tiles_; // of `a`
    float* planes_;

  public:
    attention_stream(const call& c, const attention_weights& l, int n, int x0, int width, int strip)
        : c_(c),
          l_(l),
          w_(c.weight<float>(0)),
          n_(n),
          x0_(x0),
          width_(width),
          left_(std::max(0, attention_halo - x0)),
          right_(std::min(width + 2 * attention_halo, c.y.width - x0 + attention_halo)),
          group_(attention_group(strip)),
          tiles_(c.x[0], n, range{c.rows.begin - attention_halo, c.rows.end + attention_halo}.clip(c.y.height),
                 {x0 - attention_halo + left_, x0 - attention_halo + right_}) {
        const std::ptrdiff_t row = group_ * l.groups();
        float* next = reinterpret_cast<float*>(c.scratch);
        const float* zeros = next;
        std::memset(next, 0, sizeof(float) * std::size_t(row));
        next += attention_zero_rows * row;
        const auto make = [&](int rows) {
            ring r{next, zeros, rows, c.y.height, row};
            next += rows * row;
            return r;
        };
        a_ = make(attention_a_rows(c));
        p_ = make(attention_p_rows);
        t_ = make(attention_t_rows);
        u_ = make(attention_u_rows);
        planes_ = next;
    }

    void run() {
        clear_outside(p_);
        clear_outside(t_);
        const int height = c_.y.height;
        const int first = std::max(0, c_.rows.begin - 8);
        int next_p = first, next_t = std::max(0, c_.rows.begin - 6);
        for (int y = c_.rows.begin; y < c_.rows.end; ++y) {
            for (; next_t < std::min(height, y + 7); ++next_t) {
                for (; next_p < std::min(height, next_t + 3); ++next_p) {
                    if (!l_.winograd)
                        project(next_p);
                    else if (next_p == first || next_p % winograd_outputs == 0)
                        project_tiles(next_p);
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
        const int end = width_ + 2 * attention_halo;
        for (int i = 0; i < r.rows * l_.groups(); ++i) {
            float* group = r.data + i * group_;
            std::memset(group, 0, sizeof(float) * std::size_t(left_ * lanes));
            std::memset(group + right_ * lanes, 0, sizeof(float) * std::size_t((end - right_) * lanes));
        }
    }
    const float* weight(int i) const { return w_ + l_.at[i]; }

    void convolve(const convolution_layout& layout, int weights, const terms& t, int pixels, destination to,
                  epilogue act) {
        const destination row = to;
        layout.each_block([&](int first, int vectors, std::size_t floats) {
            to.y = row.y + first * row.vector_step;
            to.skip = row.skip ? row.skip + first * lanes : nullptr;
            to.bias = row.bias + first * lanes;
            to.channels = std::min(vectors * lanes, row.channels - first * lanes);
            row_kernel_of(vectors)(t, weight(weights) + floats, pixels, to, act);
        });
    }
    destination into(float* ring_row, int bias) const {
        return {.y = ring_row + left_ * lanes,
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

    // a = GELU(proj_1(x))
    void project(int y) {
        const window& x = c_.x[0];
        const int half = l_.kernel / 2;
        terms t{{}, l_.kernel, 1, l_.kernel * l_.features, 0, l_.features};
        for (int i = 0; i < l_.kernel; ++i)
            t.row[i] = x.read<float>(n_, y + i - half, x0_ - attention_halo + left_ - half);
        convolve(l_.proj_1, 0, t, right_ - left_, into(a_.at(y), 1), finish_block<activation_kind::gelu>);
    }
    // The same from row y on to where its row of tiles ends.
    void project_tiles(int y) {
        const auto to = [&](int row, int x, int channel, int channels) {
            destination d = into(a_.at(row), 1);
            d.y += (x - x0_ + attention_halo - left_) * lanes + channel / lanes * group_;
            d.bias += channel;
            d.channels = (channels + lanes - 1) / lanes * lanes;
            return d;
        };
        convolve_tiles(l_.proj_1_tiles(), weight(0), tiles_, tiles_.row_of(y), to,
                       tile_epilogue_for<activation_kind::gelu>, planes_);
    }
    // p = pointwise(a)
    void mix(int y) {
        convolve(l_.pointwise, 2, from_ring(a_.at(y), left_), right_ - left_, into(p_.at(y), 3),
                 finish_block<activation_kind::identity>);
    }
    // t = depthwise(p), 6 columns around those of y
    void filter(int y) {
        const int from = std::max(left_, 2), to = std::min(right_, width_ + 2 * attention_halo - 2);
        const float* row[5];
        for (int i = 0; i < 5; ++i) row[i] = p_.read(y - 2 + i) + (from - 2) * lanes;
        filter_row<1>(row, to - from, group_, l_.groups(), weight(4), weight(5), nullptr, t_.at(y) + from * lanes);
    }
    // u = depthwise_dilated(t) a
    void filter_dilated(int y) {
        const float* row[5];
        for (int i = 0; i < 5; ++i) row[i] = t_.read(y - 6 + 3 * i) + (attention_halo - 6) * lanes;
        filter_row<3>(row, width_, group_, l_.groups(), weight(6), weight(7), a_.at(y) + attention_halo * lanes,
                      u_.at(y) + attention_halo * lanes);
    }
    // y = LayerNorm(proj_2(u) + x)
    void finish(int y) {
        float* out = c_.y.at<float>(n_, y, x0_);
        const destination to{.y = out,
                             .pixel_step = l_.features,
                             .vector_step = lanes,
                             .channels = l_.features,
                             .bias = weight(9),
                             .skip = c_.x[0].at<const float>(n_, y, x0_),
                             .slope = 0};
        convolve(l_.proj_2, 8, from_ring(u_.at(y), attention_halo), width_, to,
                 finish_block<activation_kind::identity>);
        layer_norm_row(out, out, width_, l_.features, {weight(10), weight(11), c_.a.epsilon});
    }
};

inline void attention_block(const call& c) {
    const attention_weights l(c.y.channels, c.a.hidden, c.a.kernel, c.a.method);
    const int strip = attention_strip_width(c);
    for (int n = c.images.begin; n < c.images.end; ++n)
        for (int x = c.cols.begin, end; x < c.cols.end; x = end) {
            end = attention_strip_end(c, x, strip);
            attention_stream(c, l, n, x, end - x, strip).run();
        }
}

} // namespace fovea::FOVEA_ISA
