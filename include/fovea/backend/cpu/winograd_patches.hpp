// The transforms of a tile, a vector of channels at a time: its patch of (M+2)x(M+2) inputs into a number of as many
// planes, and the sums in these planes into MxM outputs.
#pragma once
#include "fovea/backend/cpu/winograd_transforms.hpp"

namespace fovea::FOVEA_ISA {

// Transforms one vector of channels of a patch into planes; load_at(row, column) gives the vectors of the patch. The
// result is computed in parts that fit the registers: loading a vector again is cheaper than spilling it.
template <int M, int Along = 0>
FOVEA_INLINE void transform_row(const vf (&columns)[M + 2], float* to, std::ptrdiff_t plane) {
    using transform = winograd_transform<M>;
    constexpr int values = (M + 2) / transform::input_parts;
    vf o[values];
    transform::template from_inputs<Along>(columns, o);
    FOVEA_UNROLL
    for (int j = 0; j < values; ++j) store(to + j * plane, o[j]);
    if constexpr (Along + 1 < transform::input_parts) transform_row<M, Along + 1>(columns, to + values * plane, plane);
}
template <int M, int Part = 0, class Load>
FOVEA_INLINE void transform_patch(Load load_at, float* to, std::ptrdiff_t plane) {
    using transform = winograd_transform<M>;
    constexpr int N = M + 2, rows = N / transform::input_parts;
    vf columns[rows][N];
    FOVEA_UNROLL
    for (int j = 0; j < N; ++j) {
        vf d[N], o[rows];
        FOVEA_UNROLL
        for (int i = 0; i < N; ++i) d[i] = transform::input_is_read(Part, i) ? load_at(i, j) : broadcast(0.f);
        transform::template from_inputs<Part>(d, o);
        FOVEA_UNROLL
        for (int i = 0; i < rows; ++i) columns[i][j] = o[i];
    }
    FOVEA_UNROLL
    for (int i = 0; i < rows; ++i, to += N * plane) transform_row<M>(columns[i], to, plane);
    if constexpr (Part + 1 < transform::input_parts) transform_patch<M, Part + 1>(load_at, to, plane);
}

// Transforms all channels of the patch whose rows are given; zeros fill the last vector. Prefetches the columns that
// the tile to the right adds, which are at best in L2.
template <int M>
void transform_patches(const float* const (&row)[M + 2], int channels, float* to, std::ptrdiff_t plane) {
    int c = 0;
    for (; c + lanes <= channels; c += lanes)
        transform_patch<M>(
            [&](int i, int j) {
                const float* at = row[i] + std::ptrdiff_t(j) * channels + c;
                if (j >= 2) fetch_soon(at + M * channels);
                return load(at);
            },
            to + c, plane);
    if (c < channels)
        transform_patch<M>(
            [&](int i, int j) { return load_part(row[i] + std::ptrdiff_t(j) * channels + c, channels - c); }, to + c,
            plane);
}

// Transforms one vector of channels of a tile's sums: out(row, its M pixels) is called for each row.
template <int M, int Along = 0> FOVEA_INLINE void transform_pixels(const vf (&sums)[M + 2], vf (&pixels)[M]) {
    using transform = winograd_transform<M>;
    constexpr int parts = transform::output_parts, values = M / parts;
    vf o[values];
    transform::template to_outputs<Along>(sums, o);
    FOVEA_UNROLL
    for (int j = 0; j < values; ++j) pixels[j * parts + Along] = o[j];
    if constexpr (Along + 1 < parts) transform_pixels<M, Along + 1>(sums, pixels);
}
template <int M, int Part = 0, class Out>
FOVEA_INLINE void transform_sums(const float* sums, std::ptrdiff_t plane, Out out) {
    using transform = winograd_transform<M>;
    constexpr int N = M + 2, parts = transform::output_parts, rows = M / parts;
    vf half[rows][N];
    FOVEA_UNROLL
    for (int j = 0; j < N; ++j) {
        vf m[N], o[rows];
        FOVEA_UNROLL
        for (int i = 0; i < N; ++i)
            m[i] = transform::sum_is_read(Part, i) ? load(sums + (i * N + j) * plane) : broadcast(0.f);
        transform::template to_outputs<Part>(m, o);
        FOVEA_UNROLL
        for (int i = 0; i < rows; ++i) half[i][j] = o[i];
    }
    FOVEA_UNROLL
    for (int i = 0; i < rows; ++i) {
        vf pixels[M];
        transform_pixels<M>(half[i], pixels);
        out(i * parts + Part, pixels);
    }
    if constexpr (Part + 1 < parts) transform_sums<M, Part + 1>(sums, plane, out);
}

} // namespace fovea::FOVEA_ISA
