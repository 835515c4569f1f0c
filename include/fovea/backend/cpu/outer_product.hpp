// The inner loop of weight gradients: sums[r][c] += sum over k of a[k][r] b[k][c], for a few rows r and one or two
// vectors of columns c. The sums stay in registers over all k.
#pragma once
#include "fovea/backend/cpu/register_block.hpp"

namespace fovea::FOVEA_ISA {

// Steps lead from one k to the next, in floats.
struct outer_terms {
    const float *a, *b;
    std::ptrdiff_t a_step, b_step;
    int count;
};

inline constexpr int outer_vectors = 2; // of columns, at most
inline constexpr int outer_rows = block_pixels<outer_vectors>;

// Part: only the first `last` columns of the last vector of sums exist. All columns of b can be read.
template <int NV, int P, bool Part>
FOVEA_NOINLINE void sum_outer(const outer_terms& t, float* sums, std::ptrdiff_t sums_step, int last) {
    vf acc[P][NV];
    FOVEA_UNROLL
    for (int p = 0; p < P; ++p) {
        FOVEA_UNROLL
        for (int v = 0; v < NV; ++v) {
            const float* from = sums + p * sums_step + v * lanes;
            acc[p][v] = Part && v + 1 == NV ? load_part(from, last) : load(from);
        }
    }
    const float *a = t.a, *b = t.b;
    for (int k = 0; k < t.count; ++k, a += t.a_step, b += t.b_step) {
        vf column[NV];
        FOVEA_UNROLL
        for (int v = 0; v < NV; ++v) column[v] = load(b + v * lanes);
        FOVEA_UNROLL
        for (int p = 0; p < P; ++p) {
            const vf row = broadcast(a[p]);
            FOVEA_UNROLL
            for (int v = 0; v < NV; ++v) acc[p][v] = fma(row, column[v], acc[p][v]);
        }
    }
    FOVEA_UNROLL
    for (int p = 0; p < P; ++p) {
        FOVEA_UNROLL
        for (int v = 0; v < NV; ++v) {
            float* to = sums + p * sums_step + v * lanes;
            Part&& v + 1 == NV ? store_part(to, acc[p][v], last) : store(to, acc[p][v]);
        }
    }
}

template <int NV, bool Part>
void sum_outer_rows(outer_terms t, int rows, float* sums, std::ptrdiff_t sums_step, int last) {
    const auto some = [&](auto size, auto sum) {
        for (; rows >= size; rows -= size, t.a += size, sums += size * sums_step) sum(t, sums, sums_step, last);
    };
    some(outer_rows, sum_outer<NV, outer_rows, Part>);
    some(4, sum_outer<NV, 4, Part>);
    some(1, sum_outer<NV, 1, Part>);
}

// All `rows` rows of a and `columns` columns of b, at most outer_vectors vectors, of which b has the last one whole.
inline void sum_outer_block(const outer_terms& t, int rows, int columns, float* sums, std::ptrdiff_t sums_step) {
    const int last = (columns - 1) % lanes + 1;
    const auto sum = columns > lanes ? last < lanes ? sum_outer_rows<2, true> : sum_outer_rows<2, false>
                     : last < lanes ? sum_outer_rows<1, true>
                                     : sum_outer_rows<1, false>;
    sum(t, rows, sums, sums_step, last);
}

} // namespace fovea::FOVEA_ISA
