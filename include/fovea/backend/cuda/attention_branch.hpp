// VapSR's attention branch (ops/attention_branch.hpp) as one kernel over strips of columns; tensor cores compute the
// 1x1 convolutions:
//
//   u = pointwise(a)                    with `halo` extra columns on either side
//   d = depthwise(u)                    with `reach` extra columns
//   p = depthwise_dilated(d) * a
//   y = LayerNorm(proj_2(p) + x)
//
// A block moves down its strip, `Rows` rows per step. Rows of u and d are in rings in shared memory, in the 16-bit
// format of the tensors, as is p. Every convolution pads its own input with zeros outside the image. A block computes
// the halo of its pixels itself. The order of a sum depends neither on the strip nor on the row in it.
//
// A step has three phases. The LayerNorm of the previous step is interleaved with them, because its sums over four
// lanes need the same barriers.
#pragma once
#include <cmath>

#include "fovea/backend/cuda/attention_filters.hpp"
#include "fovea/backend/cuda/blocks.hpp"
#include "fovea/backend/cuda/view.hpp"

namespace fovea {

// Returns whether the threads and registers of a block suffice for that many channels.
constexpr bool attention_fits_tiles(int features, int hidden) {
    return features % 8 == 0 && features <= 64 && hidden % 16 == 0 && hidden >= 32 && hidden <= 64;
}

template <int Features, int Hidden, number_format Format, int Columns, int Rows> struct attention_branch_kernel {
    static constexpr int halo = 8, reach = 6; // extra columns or rows of u and of d around those of y
    static constexpr int pairs = Hidden / 2;  // pairs of channels; a thread always filters the same pair
    static constexpr int teams = 12;          // teams of `pairs` threads
    static constexpr int threads = teams * pairs, warps = threads / 32;
    static constexpr int u_rows = Rows + 4, u_columns = Columns + 2 * halo;
    static constexpr int d_rows = Rows + 2 * reach, d_columns = Columns + 2 * reach;
    static constexpr int u_tiles = (Rows * u_columns + 15) / 16, y_tiles = (Rows * Columns + 15) / 16; // 16 pixels each
    static constexpr int inputs = Hidden / 16; // steps of a matrix product
    // Padding avoids bank conflicts between lanes that access neighbouring pixels; the narrowest strip has no memory
    // for it.
    static constexpr int u_pitch = Columns > 12 ? Hidden + 8 : Hidden,
                         p_pitch = Hidden % 32 == 16 ? Hidden : Hidden + 16;
    static constexpr int side = 3;            // columns that a thread filters
    static constexpr int along = Columns / 3; // outputs of a dilated filter that share their inputs
    static_assert(attention_fits_tiles(Features, Hidden) && threads % 32 == 0 && y_tiles <= warps);
    static_assert(Columns % 12 == 0 && 4 % Rows == 0 && d_columns % side == 0 && d_columns / side <= teams &&
                  3 * Rows <= teams);

    using filters = attention_filters<Features, Hidden>;
    struct shared {
        alignas(16) filters f;
        alignas(16) std::uint16_t u[u_rows][u_columns][u_pitch];
        alignas(16) std::uint16_t d[d_rows][d_columns][Hidden];
        alignas(16) std::uint16_t p[16 * y_tiles][p_pitch];
        float sums[16 * y_tiles][4], squares[16 * y_tiles][4];
    };
    struct own {
        float y[Features / 8][2][2]; // two pixels, two of every eight outputs; later centred
    };

    device_view a, x, y; // (N,H,W,Hidden), (N,H,W,Features) twice
    const filters* weights;
    float epsilon;
    device_area area;
    int strips, pieces, piece_rows, steps;

    attention_branch_kernel(const call& c, device_limits on)
        : a(c.x[0]),
          x(c.x[1]),
          y(c.y),
          weights(c.weight<filters>(0)),
          epsilon(c.a.epsilon),
          area(c),
          strips((area.columns + Columns - 1) / Columns) {
        area.pixels(); // throws if there are too many
        cut_down(on.multiprocessors);
        steps = (piece_rows + 2 * halo) / Rows;
    }

    int blocks() const { return blocks_for(std::ptrdiff_t(area.images) * pieces * strips, 1); }
    FOVEA_HOST_DEVICE int phases() const { return 1 + 3 * (steps + 1); }
    FOVEA_HOST_DEVICE void operator()(int phase, int block, int thread, shared& s, own& o) const {
        if (phase == 0) return load_filters(thread, s);
        const int step = (phase - 1) / 3, strip = block % strips, piece = block / strips % pieces;
        const pixel_position first{area.first_image + block / (strips * pieces), area.first_row + piece * piece_rows,
                                   area.first_column + strip * Columns};
        const bool has_more = step<steps, has_last = step> 2 * halo / Rows;
        switch ((phase - 1) % 3) {
            case 0:
                if (has_last) project(first, step - 1, thread, s, o);
                if (has_more) mix(first, step, thread, s);
                break;
            case 1:
                if (has_last) centre(thread, s, o);
                if (has_more && step >= 4 / Rows) filter(first, step, thread, s);
                break;
            default:
                if (has_last) finish(first, step - 1, thread, s, o);
                if (has_more && step >= 2 * halo / Rows) filter_dilated(first, step, thread, s);
        }
    }

  private:
    // Cuts strips into pieces: enough that the last wave of blocks leaves few multiprocessors idle, but not so many
    // that the halo above each piece costs more.
    void cut_down(int multiprocessors) {
        std::ptrdiff_t least = -1;
        for (int n = 1; n == 1 || n <= area.rows / (2 * halo); ++n) {
            const int rows = ((area.rows + n - 1) / n + Rows - 1) / Rows * Rows;
            const std::ptrdiff_t all = std::ptrdiff_t(area.images) * strips * n,
                                 cost = (all + multiprocessors - 1) / multiprocessors * (rows + 2 * halo);
            if (least < 0 || cost < least) least = cost, piece_rows = rows;
        }
        pieces = (area.rows + piece_rows - 1) / piece_rows;
    }

    FOVEA_HOST_DEVICE void load_filters(int thread, shared& s) const {
        static_assert(sizeof(filters) % sizeof(four_numbers) == 0);
        for (int i = thread; i < int(sizeof(filters) / sizeof(four_numbers)); i += threads)
            reinterpret_cast<four_numbers*>(&s.f)[i] = reinterpret_cast<const four_numbers*>(weights)[i];
    }

    // Returns whether pixel p lies inside the image and within `around` rows and columns of the call's pixels.
    FOVEA_HOST_DEVICE bool concerns(pixel_position p, int around) const {
        return y.inside(p.row, p.column) &&
               unsigned(p.row - area.first_row + around) < unsigned(area.rows + 2 * around) &&
               unsigned(p.column - area.first_column + around) < unsigned(area.columns + 2 * around);
    }
    FOVEA_HOST_DEVICE static two_halves& pair_of(std::uint16_t* pixel, int pair) {
        return reinterpret_cast<two_halves*>(pixel)[pair];
    }
    FOVEA_HOST_DEVICE static two_halves pair_of(const std::uint16_t* pixel, int pair) {
        return reinterpret_cast<const two_halves*>(pixel)[pair];
    }
    FOVEA_HOST_DEVICE static void add_product(two_numbers& sum, const two_numbers& w, const two_numbers& v) {
        sum.v[0] += w.v[0] * v.v[0], sum.v[1] += w.v[1] * v.v[1];
    }

    // Rows of step n: those of u begin n Rows from `halo` rows above the piece; those of d lag two rows behind, those
    // of y `halo` rows. at_u() is the position of pixel i of u.
    FOVEA_HOST_DEVICE static pixel_position at_u(pixel_position first, int step, int i) {
        return {first.image, first.row - halo + step * Rows + i / u_columns, first.column - halo + i % u_columns};
    }
    FOVEA_HOST_DEVICE static pixel_position at_y(pixel_position first, int step, int i) {
        return {first.image, first.row - 2 * halo + step * Rows + i / Columns, first.column + i % Columns};
    }

    // u = pointwise(a); each warp computes tiles of 16 pixels.
    FOVEA_HOST_DEVICE void mix(pixel_position first, int step, int thread, shared& s) const {
        const product_lane lane{thread % 32};
        for (int tile = thread / 32; tile < u_tiles; tile += warps) {
            const int pixel = tile * 16 + lane.row();
            product_pixels<inputs> from;
            from.load(lane, read_a(at_u(first, step, pixel), pixel), read_a(at_u(first, step, pixel + 8), pixel + 8));
            mix_tile(first, step, tile, lane, from, s);
        }
    }
    FOVEA_HOST_DEVICE const std::uint16_t* read_a(pixel_position p, int pixel) const {
        return pixel < Rows * u_columns && concerns(p, halo)
                   ? reinterpret_cast<const std::uint16_t*>(a.data.data) + a.index(p)
                   : nullptr;
    }
    FOVEA_HOST_DEVICE void mix_tile(pixel_position first, int step, int tile, product_lane lane,
                                    const product_pixels<inputs>& from, shared& s) const {
        std::uint16_t* to[2];
        bool there[2];
        FOVEA_UNROLL
        for (int i = 0; i < 2; ++i) {
            const int pixel = tile * 16 + lane.row() + 8 * i;
            to[i] = pixel < Rows * u_columns
                        ? s.u[unsigned(step * Rows + pixel / u_columns) % u_rows][pixel % u_columns]
                        : nullptr;
            there[i] = concerns(at_u(first, step, pixel), halo);
        }
        FOVEA_UNROLL
        for (int output = 0; output < Hidden; output += 8) {
            const int mine = output + lane.output();
            float sum[2][2] = {};
            from.template multiply<Format>(lane, s.f.pointwise, Hidden, output, sum);
            FOVEA_UNROLL
            for (int i = 0; i < 2; ++i)
                if (to[i])
                    pair_of(to[i], mine / 2) = there[i] ? narrowed<Format>({{sum[i][0] + s.f.pointwise_bias[mine],
                                                                             sum[i][1] + s.f.pointwise_bias[mine + 1]}})
                                                        : two_halves{};
        }
    }

    // Loads `Count` taps for a pair of channels, beginning with tap `first`.
    template <int Count>
    FOVEA_HOST_DEVICE static void load_taps(const shared& s, int which, int first, int pair, two_numbers (&w)[Count]) {
        FOVEA_UNROLL
        for (int i = 0; i < Count; ++i)
            w[i] = reinterpret_cast<const two_numbers*>(s.f.depthwise[which][first + i])[pair];
    }

    // d = depthwise(u); each thread filters two channels of `side` x Rows pixels.
    FOVEA_HOST_DEVICE void filter(pixel_position first, int step, int thread, shared& s) const {
        const int pair = thread % pairs, column = thread / pairs * side;
        if (column >= d_columns) return;
        two_numbers w[filters::taps], sums[Rows][side] = {};
        load_taps(s, 0, 0, pair, w);
        FOVEA_UNROLL
        for (int row = 0; row < u_rows; ++row) {
            const auto& line = s.u[unsigned(step * Rows + Rows + row) % u_rows]; // oldest row first
            FOVEA_UNROLL
            for (int k = 0; k < side + 4; ++k) {
                const two_numbers v = widened<Format>(pair_of(line[column + k], pair));
                FOVEA_UNROLL
                for (int i = 0; i < 5; ++i) {
                    FOVEA_UNROLL
                    for (int j = 0; j < 5; ++j)
                        if (row - i >= 0 && row - i < Rows && k - j >= 0 && k - j < side)
                            add_product(sums[row - i][k - j], w[i * 5 + j], v);
                }
            }
        }
        const two_numbers bias = reinterpret_cast<const two_numbers*>(s.f.depthwise_bias[0])[pair];
        FOVEA_UNROLL
        for (int i = 0; i < Rows; ++i) {
            const int row = step * Rows - 2 + i; // in the row numbering of u
            FOVEA_UNROLL
            for (int k = 0; k < side; ++k) {
                const bool there = y.inside(first.row - halo + row, first.column - reach + column + k);
                const two_numbers v = sums[i][k];
                pair_of(s.d[unsigned(row) % d_rows][column + k], pair) =
                    there ? narrowed<Format>({{v.v[0] + bias.v[0], v.v[1] + bias.v[1]}}) : two_halves{};
            }
        }
    }

    // p = depthwise_dilated(d) * a; each thread filters two channels of every third pixel of a row.
    FOVEA_HOST_DEVICE void filter_dilated(pixel_position first, int step, int thread, shared& s) const {
        const int pair = thread % pairs, team = thread / pairs, row = team / 3, column = team % 3;
        if (row >= Rows) return;
        two_numbers sums[along] = {};
        FOVEA_UNROLL
        for (int i = 0; i < 5; ++i) {
            const auto& line = s.d[unsigned(step * Rows - halo - reach + row + 3 * i) % d_rows];
            two_numbers w[5];
            load_taps(s, 1, 5 * i, pair, w);
            FOVEA_UNROLL
            for (int k = 0; k < along + 4; ++k) {
                const two_numbers v = widened<Format>(pair_of(line[column + 3 * k], pair));
                FOVEA_UNROLL
                for (int j = 0; j < 5; ++j)
                    if (k - j >= 0 && k - j < along) add_product(sums[k - j], w[j], v);
            }
        }
        const two_numbers bias = reinterpret_cast<const two_numbers*>(s.f.depthwise_bias[1])[pair];
        FOVEA_UNROLL
        for (int k = 0; k < along; ++k) {
            const pixel_position p = at_y(first, step, row * Columns + column + 3 * k);
            const two_halves gate =
                concerns(p, 0) ? pair_of(reinterpret_cast<const std::uint16_t*>(a.data.data) + a.index(p), pair)
                               : two_halves{};
            const two_numbers by = widened<Format>(gate), v = sums[k];
            pair_of(s.p[row * Columns + column + 3 * k], pair) =
                narrowed<Format>({{(v.v[0] + bias.v[0]) * by.v[0], (v.v[1] + bias.v[1]) * by.v[1]}});
        }
    }

    // The pixels of y that a thread holds; `there`: the thread has to compute it.
    struct own_pixels {
        int pixel[2];
        pixel_position at[2];
        bool there[2];
    };
    FOVEA_HOST_DEVICE own_pixels pixels_of(pixel_position first, int step, int thread) const {
        own_pixels p{};
        FOVEA_UNROLL
        for (int i = 0; i < 2; ++i) {
            p.pixel[i] = thread / 32 * 16 + product_lane{thread % 32}.row() + 8 * i;
            p.at[i] = at_y(first, step, p.pixel[i]);
            p.there[i] = p.pixel[i] < Rows * Columns && p.at[i].row < first.row + piece_rows && concerns(p.at[i], 0);
        }
        return p;
    }

    // y = proj_2(p) + x, and the thread's partial sums of each pixel.
    FOVEA_HOST_DEVICE void project(pixel_position first, int step, int thread, shared& s, own& o) const {
        if (thread / 32 >= y_tiles) return;
        const product_lane lane{thread % 32};
        const own_pixels p = pixels_of(first, step, thread);
        product_pixels<inputs> from;
        from.load(lane, s.p[p.pixel[0]], s.p[p.pixel[1]]);
        float all[2] = {};
        FOVEA_UNROLL
        for (int n = 0; n < Features / 8; ++n) {
            const int mine = n * 8 + lane.output();
            float sum[2][2] = {};
            from.template multiply<Format>(lane, s.f.proj_2, Features, n * 8, sum);
            FOVEA_UNROLL
            for (int i = 0; i < 2; ++i) {
                const two_numbers skip = p.there[i] ? x.data.two(x.index(p.at[i]) + mine) : two_numbers{};
                FOVEA_UNROLL
                for (int k = 0; k < 2; ++k) {
                    o.y[n][i][k] = sum[i][k] + s.f.proj_2_bias[mine + k] + skip.v[k];
                    all[i] += o.y[n][i][k];
                }
            }
        }
        for (int i = 0; i < 2; ++i) s.sums[p.pixel[i]][lane.lane % 4] = all[i];
    }
    FOVEA_HOST_DEVICE static float mean_of(const float (&parts)[4]) {
        return (parts[0] + parts[1] + parts[2] + parts[3]) / float(Features);
    }
    // Subtracts the mean of each pixel, and sums the squares of the differences.
    FOVEA_HOST_DEVICE void centre(int thread, shared& s, own& o) const {
        if (thread / 32 >= y_tiles) return;
        FOVEA_UNROLL
        for (int i = 0; i < 2; ++i) {
            const int pixel = thread / 32 * 16 + product_lane{thread % 32}.row() + 8 * i;
            const float mean = mean_of(s.sums[pixel]);
            float all = 0;
            FOVEA_UNROLL
            for (int n = 0; n < Features / 8; ++n) {
                FOVEA_UNROLL
                for (int k = 0; k < 2; ++k) o.y[n][i][k] -= mean, all += o.y[n][i][k] * o.y[n][i][k];
            }
            s.squares[pixel][thread % 4] = all;
        }
    }
    FOVEA_HOST_DEVICE void finish(pixel_position first, int step, int thread, const shared& s, const own& o) const {
        if (thread / 32 >= y_tiles) return;
        const own_pixels p = pixels_of(first, step, thread);
        FOVEA_UNROLL
        for (int i = 0; i < 2; ++i) {
            if (!p.there[i]) continue;
            const float scale = 1 / sqrtf(mean_of(s.squares[p.pixel[i]]) + epsilon);
            const std::ptrdiff_t to = y.index(p.at[i]);
            FOVEA_UNROLL
            for (int n = 0; n < Features / 8; ++n) {
                const int mine = n * 8 + product_lane{thread % 32}.output();
                two_numbers v;
                FOVEA_UNROLL
                for (int k = 0; k < 2; ++k)
                    v.v[k] = o.y[n][i][k] * scale * s.f.norm_weight[mine + k] + s.f.norm_bias[mine + k];
                y.data.put_two(to + mine, v);
            }
        }
    }
};

} // namespace fovea
