// y = act(conv(x, w) + b) + skip (optional) for 3x3 kernels without stride, dilation and groups, by Winograd's
// F(MxM,3x3), M = 4 or 6: a quarter, or a fifth, of the products of the direct sum.
//
//   x[0]  (N,H,W,I)     x[1]  (N,H,W,O), optional, may be y     y  (N,H,W,O)
//   w[0]  packed by pack_winograd from (O,I,3,3)                w[1]  (O) or null     c.a.tile  M
//
// The output is cut into tiles of MxM pixels, which lie at multiples of M in the image, wherever a call begins. A tile
// that a call cuts is computed whole, and only its pixels inside the call are written. So every call gives a pixel the
// same bits. x must hold what whole tiles read: the operation's footprint has a grain of M.
//
// A group of tiles is computed at a time. Their patches of (M+2)x(M+2) pixels are transformed into as many planes
// [tile][I] in scratch. For each block of output channels the product of each plane with the transformed weights gives
// planes [tile][block], which are transformed into y at once. The planes of a group stay in L2.
#pragma once
#include "fovea/backend/cpu/winograd_patches.hpp"
#include "fovea/backend/cpu/winograd_weights.hpp"

namespace fovea::FOVEA_ISA {

// Where the planes of a group of tiles lie in scratch. Steps are in floats.
struct winograd_group {
    int planes;          // products of a tile for each input and output
    int tiles;           // of a group
    int stored;          // tiles that a plane has room for, because the last block of tiles may pass the group's end
    std::ptrdiff_t tile; // from a transformed input tile to the next
    std::ptrdiff_t in;   // from a plane of transformed inputs to the next
    std::ptrdiff_t out;  // from a plane of sums to the next

    explicit winograd_group(const winograd_layout& l) {
        const std::size_t most_bytes = l.tile == large_tile ? 448 << 10 : 1 << 20; // of the planes of inputs
        constexpr int most_tiles = 28;
        planes = l.planes();
        tile = (l.inputs + lanes - 1) / lanes * lanes;
        const int fitting = int(most_bytes / (sizeof(float) * std::size_t(planes) * std::size_t(tile)));
        const int block = block_pixels_of(l.vectors_of_block(0));
        tiles = std::max(1, std::min(fitting, most_tiles) / block) * block;
        stored = tiles;
        int widest = 1;
        l.each_block([&](int, int vectors, std::size_t) {
            const int pixels = block_pixels_of(vectors);
            stored = std::max(stored, (tiles + pixels - 1) / pixels * pixels);
            widest = std::max(widest, vectors);
        });
        in = stored * tile + line_floats; // one line more keeps the planes off the same sets of the caches
        out = std::ptrdiff_t(stored) * widest * lanes + line_floats;
    }
    std::size_t floats() const { return std::size_t(planes * (in + out)); }
    // The number of products of a block of tiles with a block of output channels, for each plane.
    int products_of(const winograd_layout& l, int tiles_of_group) const {
        int n = 0;
        l.each_block([&](int, int vectors, std::size_t) {
            n += (tiles_of_group + block_pixels_of(vectors) - 1) / block_pixels_of(vectors);
        });
        return n;
    }
};

inline std::size_t winograd_scratch(const call& c) {
    return sizeof(float) * winograd_group({c.dims[1], c.dims[0], c.a.tile}).floats();
}

// What becomes of the sums of a tile, for one block of output channels.
template <int M> struct tile_epilogue {
    // Writes all pixels of a tile to their rows.
    void (*whole)(const float* sums, std::ptrdiff_t plane, int vectors, const destination (&row)[M]);
    epilogue part; // writes some pixels of a row of a tile
};

template <int M, activation_kind Kind>
void finish_tile(const float* sums, std::ptrdiff_t plane, int vectors, const destination (&row)[M]) {
    const destination& first = row[0];
    for (int v = 0; v < vectors; ++v, sums += lanes) {
        const int n = std::min(lanes, first.channels - v * lanes);
        const vf bias = first.bias ? load_first(first.bias + v * lanes, n) : broadcast(0.f);
        transform_sums<M>(sums, plane, [&](int i, const vf(&o)[M]) {
            float* y = row[i].y + v * first.vector_step;
            const float* skip = row[i].skip ? row[i].skip + v * lanes : nullptr;
            FOVEA_UNROLL
            for (int j = 0; j < M; ++j) {
                fetch_to_write(y + (j + M) * first.pixel_step); // the pixel of the tile to the right
                vf value = activated<Kind>(o[j] + bias, first.slope);
                if (skip) value = rounded(value) + load_first(skip + j * first.pixel_step, n);
                store_first(y + j * first.pixel_step, value, n);
            }
        });
    }
}
template <int M, activation_kind Kind>
inline constexpr tile_epilogue<M> tile_epilogue_for{finish_tile<M, Kind>, finish_block<Kind>};

template <int M> const tile_epilogue<M>& tile_epilogue_of(activation_kind kind) {
    return with_activation(
        kind, [&]<activation_kind Kind>() -> const tile_epilogue<M>& { return tile_epilogue_for<M, Kind>; });
}

// The tiles that a rectangle of pixels of some images touches, image by image, in rows from left to right.
template <int M> class winograd_tiles {
    static constexpr int size = M, patch_size = M + 2;
    const window& x_;
    range images_, rows_, cols_;
    int top_, left_, across_, down_;

  public:
    winograd_tiles(const window& x, range images, range rows, range cols)
        : x_(x),
          images_(images),
          rows_(rows),
          cols_(cols),
          top_(rows.begin / size),
          left_(cols.begin / size),
          across_((cols.end + size - 1) / size - left_),
          down_((rows.end + size - 1) / size - top_) {}
    int count() const { return images_.size() * across_ * down_; }
    // The tiles of the first image that hold the pixels of row y.
    range row_of(int y) const { return {(y / size - top_) * across_, (y / size - top_ + 1) * across_}; }
    int channels() const { return x_.channels; }
    int image(int tile) const { return images_.begin + tile / (across_ * down_); }
    int y(int tile) const { return (top_ + tile / across_ % down_) * size; }
    int x(int tile) const { return (left_ + tile % across_) * size; }

    // Row i of the patch that a tile reads.
    const float* patch(int tile, int i) const { return x_.read<float>(image(tile), y(tile) - 1 + i, x(tile) - 1); }
    void read(int tile, float* to, std::ptrdiff_t plane) const {
        const float* row[patch_size];
        for (int i = 0; i < patch_size; ++i) row[i] = patch(tile, i);
        transform_patches<M>(row, channels(), to, plane);
    }

    // Writes one block of output channels of a tile, as far as its pixels lie inside the rectangle. to(n, y, x) is the
    // destination of the pixels of image n and row y from column x on.
    template <class To>
    void write(int tile, const float* sums, std::ptrdiff_t plane, int vectors, const To& to,
               const tile_epilogue<M>& finish) const {
        const range rows{std::max(y(tile), rows_.begin), std::min(y(tile) + size, rows_.end)};
        const range cols{std::max(x(tile), cols_.begin), std::min(x(tile) + size, cols_.end)};
        if (rows.size() == size && cols.size() == size) {
            destination row[size];
            for (int i = 0; i < size; ++i) row[i] = to(image(tile), rows.begin + i, cols.begin);
            return finish.whole(sums, plane, vectors, row);
        }
        alignas(64) float values[size][size * max_block_vectors * lanes];
        for (int v = 0; v < vectors; ++v)
            transform_sums<M>(sums + v * lanes, plane, [&](int i, const vf(&o)[size]) {
                for (int j = 0; j < size; ++j) store(values[i] + (j * vectors + v) * lanes, o[j]);
            });
        for (int i = rows.begin; i < rows.end; ++i)
            finish.part(to(image(tile), i, cols.begin), values[i - y(tile)] + (cols.begin - x(tile)) * vectors * lanes,
                        vectors, 0, cols.size());
    }
};

// Walks through the patches of the next group of tiles while this group is multiplied, so that they can be prefetched:
// as many tiles at a time as eight columns hold, spread evenly over the products of blocks, of which there can be fewer
// than rows of patches.
template <int M> class patch_walk {
    static constexpr int at_once = 8 / M, rows_of_patch = M + 2;
    const winograd_tiles<M>& all_;
    int first_, rows_, calls_, call_ = 0, done_ = 0;

  public:
    patch_walk(const winograd_tiles<M>& all, int first, int tiles, int calls)
        : all_(all), first_(first), rows_((tiles + at_once - 1) / at_once * rows_of_patch), calls_(calls) {}
    // The eight columns that a row of these patches has beyond the row of the tile before them, or `nothing` where the
    // walk is ahead.
    const float* next(const float* nothing) {
        if (++call_ * rows_ < (done_ + 1) * calls_) return nothing;
        const int tile = first_ + done_ / rows_of_patch * at_once, row = done_ % rows_of_patch;
        ++done_;
        return all_.patch(tile, row) + 2 * all_.channels();
    }
};

// Prefetches a line of weights for each input channel, and a line of patches for every second one.
struct fetch_ahead {
    const float *weights, *patch;
    FOVEA_INLINE void operator()(int k) const {
        fetch_soon(weights + 16 * k);
        if (k % 2 == 0) fetch_later(patch + 8 * k);
    }
};

// sums[plane][tile][NV * lanes] = in[plane][tile][I] w[plane][I][NV * lanes]
template <int NV, class Walk>
void multiply_planes(const winograd_layout& l, const winograd_group& p, const float* in, const float* w, int tiles,
                     float* sums, Walk& ahead) {
    constexpr int P = block_pixels<NV>, width = NV * lanes, last_line = std::max(width / 16, 1) - 1;
    terms t{};
    t.rows = t.runs = 1;
    t.length = l.inputs;
    t.pixel_step = p.tile;
    for (int plane = 0; plane < p.planes; ++plane, in += p.in, sums += p.out, w += l.inputs * width) {
        const float* next = plane + 1 < p.planes ? w + l.inputs * width : w;
        t.row[0] = in;
        int i = 0, done = 0;
        const auto block = [&](auto sum, int size) {
            const fetch_ahead fetch{next + 16 * l.inputs * std::min(done++, last_line), ahead.next(w)};
            sum(t, i * p.tile, w, sums + i * width, fetch);
            i += size;
        };
        while (tiles - i > tail_pixels) block(sum_block<NV, P, fetch_ahead>, P);
        if (tiles - i > 1) block(sum_block<NV, tail_pixels, fetch_ahead>, tail_pixels);
        if (tiles - i == 1) block(sum_block<NV, 1, fetch_ahead>, 1);
    }
}

template <class Walk>
using plane_product = void (*)(const winograd_layout&, const winograd_group&, const float*, const float*, int, float*,
                               Walk&);
template <class Walk> plane_product<Walk> plane_product_of(int vectors) {
    if constexpr (max_block_vectors == 4)
        if (vectors == 4) return multiply_planes<4, Walk>;
    return vectors == 3 ? multiply_planes<3, Walk> : vectors == 2 ? multiply_planes<2, Walk> : multiply_planes<1, Walk>;
}

// Computes the tiles `chosen`, a group at a time. w is laid out by winograd_layout, scratch by winograd_group. to(n, y,
// x, channel, channels) is the destination of these output channels of image n and row y from column x on.
template <int M, class To>
void convolve_tiles(const winograd_layout& l, const float* w, const winograd_tiles<M>& all, range chosen, const To& to,
                    const tile_epilogue<M>& finish, float* scratch) {
    const winograd_group group(l);
    float* in = scratch;
    float* sums = in + group.planes * group.in;
    for (int first = chosen.begin; first < chosen.end; first += group.tiles) {
        const int tiles = std::min(group.tiles, chosen.end - first);
        for (int t = 0; t < tiles; ++t) all.read(first + t, in + t * group.tile, group.in);
        const int next = first + tiles, next_tiles = std::min(group.tiles, all.count() - next);
        patch_walk<M> ahead(all, next, next_tiles, group.planes * group.products_of(l, tiles));
        l.each_block([&](int vector, int vectors, std::size_t floats) {
            const int channel = vector * lanes, channels = std::min(vectors * lanes, l.outputs - channel);
            const auto block_to = [&](int n, int y, int x) { return to(n, y, x, channel, channels); };
            plane_product_of<patch_walk<M>>(vectors)(l, group, in, w + floats, tiles, sums, ahead);
            for (int t = 0; t < tiles; ++t)
                all.write(first + t, sums + std::ptrdiff_t(t) * vectors * lanes, group.out, vectors, block_to, finish);
        });
    }
}

template <int M> void winograd_of(const call& c) {
    const float* bias = c.weight<float>(1);
    const winograd_tiles<M> all(c.x[0], c.images, c.rows, c.cols);
    const auto to = [&](int n, int y, int x, int channel, int channels) {
        return destination{.y = c.y.at<float>(n, y, x) + channel,
                           .pixel_step = c.y.channels,
                           .vector_step = lanes,
                           .channels = channels,
                           .bias = bias ? bias + channel : nullptr,
                           .skip = c.x[1] ? c.x[1].at<const float>(n, y, x) + channel : nullptr,
                           .slope = c.a.slope};
    };
    convolve_tiles<M>({c.dims[1], c.dims[0], M}, c.weight<float>(0), all, {0, all.count()}, to,
                      tile_epilogue_of<M>(c.a.activation), reinterpret_cast<float*>(c.scratch));
}

inline void winograd(const call& c) {
    if (c.rows.empty() || c.cols.empty()) return;
    c.a.tile == large_tile ? winograd_of<large_tile>(c) : winograd_of<small_tile>(c);
}

} // namespace fovea::FOVEA_ISA
