// Three kernels for spills.py to judge, compiled for AVX-512: one whose sums fit 32 registers, one with more sums than
// there are, and one whose array of sums is left in memory because the loop over it is not unrolled.
#include <immintrin.h>

template <int Sums> __attribute__((always_inline)) inline void sum(const float* x, const float* w, int n, float* y) {
    __m512 acc[Sums];
#pragma GCC unroll 64
    for (int i = 0; i < Sums; ++i) acc[i] = _mm512_setzero_ps();
    for (int k = 0; k < n; ++k, x += Sums, w += 16) {
        const __m512 b = _mm512_loadu_ps(w);
#pragma GCC unroll 64
        for (int i = 0; i < Sums; ++i) acc[i] = _mm512_fmadd_ps(_mm512_set1_ps(x[i]), b, acc[i]);
    }
#pragma GCC unroll 64
    for (int i = 0; i < Sums; ++i) _mm512_storeu_ps(y + 16 * i, acc[i]);
}

void fits(const float* x, const float* w, int n, float* y) { sum<16>(x, w, n, y); }
void spills(const float* x, const float* w, int n, float* y) { sum<40>(x, w, n, y); }

void left_rolled(const float* x, const float* w, int n, int sums, float* y) {
    __m512 acc[32] = {};
    for (int k = 0; k < n; ++k, x += sums, w += 16)
        for (int i = 0; i < sums; ++i) acc[i] = _mm512_fmadd_ps(_mm512_set1_ps(x[i]), _mm512_loadu_ps(w), acc[i]);
    for (int i = 0; i < sums; ++i) _mm512_storeu_ps(y + 16 * i, acc[i]);
}
