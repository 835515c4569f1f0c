// Depthwise convolutions (groups = channels); filters are (tap, C).
#pragma once
#include "fovea/backend/cuda/convolution.hpp"

namespace fovea {

// General kernel: one thread for each number.
struct depthwise_kernel {
    convolution_problem of;
    FOVEA_HOST_DEVICE void operator()(pixel_position p, int c) const {
        float sum = 0;
        for (int tap = 0; tap < of.kernel * of.kernel; ++tap) {
            int v = 0, u = 0;
            if (of.locate(p, tap, v, u)) sum += of.w[tap * of.groups + c] * of.x.get({p.image, v, u}, c);
        }
        of.finish(p, c, sum);
    }
};

// Kernel for stride 1 and a multiple of four channels. A block computes a tile of pixels x `depth` channels, with the
// tile and its halo in shared memory. A thread sums four channels of `strip` pixels of a column, Dilation apart, which
// share their inputs. The order of a sum does not depend on where the tile begins.
template <int Kernel, int Dilation> struct depthwise_tile {
    static constexpr int depth = 16, quads = depth / 4, columns = 16, strip = 4;
    static constexpr int strips = Dilation == 1 ? 2 : Dilation, rows = strips * strip;
    static constexpr int reach = Kernel / 2 * Dilation;
    static constexpr int read_rows = rows + 2 * reach, read_columns = columns + 2 * reach;
    static constexpr int threads = quads * columns * strips;

    struct shared {
        four_numbers x[read_rows][read_columns][quads];
        four_numbers w[Kernel * Kernel][quads];
    };
    using own = nothing_kept;

    convolution_problem of;
    int tiles_down, tiles_along, slices; // slices of `depth` channels

    static bool computes(const convolution_problem& p) {
        return p.kernel == Kernel && p.dilation == Dilation && p.stride == 1 && p.divide == 1 && p.groups % 4 == 0;
    }
    explicit depthwise_tile(const convolution_problem& p)
        : of(p),
          tiles_down((p.area.rows + rows - 1) / rows),
          tiles_along((p.area.columns + columns - 1) / columns),
          slices((p.groups + depth - 1) / depth) {}

    int blocks() const { return blocks_for(std::ptrdiff_t(of.area.images) * tiles_down * tiles_along * slices, 1); }
    FOVEA_HOST_DEVICE int phases() const { return 2; }
    FOVEA_HOST_DEVICE void operator()(int phase, int block, int thread, shared& s, own&) const {
        const int first_channel = block % slices * depth, tile = block / slices;
        const pixel_position first{of.area.first_image + tile / (tiles_along * tiles_down),
                                   of.area.first_row + tile / tiles_along % tiles_down * rows,
                                   of.area.first_column + tile % tiles_along * columns};
        phase == 0 ? load(first, first_channel, thread, s) : sum(first, first_channel, thread, s);
    }

  private:
    FOVEA_HOST_DEVICE void load(pixel_position first, int first_channel, int thread, shared& s) const {
        const int top = first.row + of.offset - reach, left = first.column + of.offset - reach;
        for (int i = thread; i < read_rows * read_columns * quads; i += threads) {
            const int q = i % quads, column = i / quads % read_columns, row = i / (quads * read_columns);
            const int channel = first_channel + 4 * q;
            const bool there = channel < of.groups && of.x.inside(top + row, left + column);
            s.x[row][column][q] =
                there ? of.x.data.four(of.x.index({first.image, top + row, left + column}) + channel) : four_numbers{};
        }
        for (int i = thread; i < Kernel * Kernel * quads; i += threads) {
            const int channel = first_channel + 4 * (i % quads);
            s.w[i / quads][i % quads] =
                channel < of.groups ? of.w.four(i / quads * of.groups + channel) : four_numbers{};
        }
    }

    FOVEA_HOST_DEVICE void sum(pixel_position first, int first_channel, int thread, const shared& s) const {
        const int q = thread % quads, column = thread / quads % columns, mine = thread / (quads * columns);
        const int top = mine / Dilation * (strip * Dilation) + mine % Dilation; // first row of the strip
        four_numbers sums[strip] = {};
        FOVEA_UNROLL
        for (int j = 0; j < Kernel; ++j) {
            FOVEA_UNROLL
            for (int row = 0; row < strip + Kernel - 1; ++row) {
                const four_numbers x = s.x[top + row * Dilation][column + j * Dilation][q];
                FOVEA_UNROLL
                for (int i = 0; i < Kernel; ++i) {
                    if (row - i < 0 || row - i >= strip) continue;
                    const four_numbers w = s.w[i * Kernel + j][q];
                    FOVEA_UNROLL
                    for (int k = 0; k < 4; ++k) sums[row - i].v[k] += w.v[k] * x.v[k];
                }
            }
        }
        FOVEA_UNROLL
        for (int i = 0; i < strip; ++i)
            finish({first.image, first.row + top + i * Dilation, first.column + column}, first_channel + 4 * q,
                   sums[i]);
    }

    FOVEA_HOST_DEVICE void finish(pixel_position p, int channel, four_numbers sum) const {
        const device_area& all = of.area;
        if (p.row >= all.first_row + all.rows || p.column >= all.first_column + all.columns || channel >= of.groups)
            return;
        const four_numbers beside = of.skip ? of.skip.data.four(of.skip.index(p) + channel) : four_numbers{};
        FOVEA_UNROLL
        for (int k = 0; k < 4; ++k) sum.v[k] = of.finished(sum.v[k], channel + k, beside.v[k]);
        of.y.data.put_four(of.y.index(p) + channel, sum);
    }
};

} // namespace fovea
