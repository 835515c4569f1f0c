// The vector type of this translation unit's instruction set, and the few operations that kernels need. They are
// xsimd's where all its versions from 8 to 13 have them well, and intrinsics elsewhere: before version 11, for example,
// xsimd's fma for AVX-512 multiplies and then adds.
//
// at_least(x, low) and at_most(x, high) give NaN where x is NaN, which xsimd's max and min leave to the instruction
// set.
#pragma once
#include <cstddef>
#include <tuple>
#include <utility>
#include <xsimd/xsimd.hpp>

#include "fovea/core/config.hpp"

namespace fovea::FOVEA_ISA {

using vf = xsimd::batch<float>;
inline constexpr int lanes = int(vf::size);
#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr int vector_registers = 32;
#else
inline constexpr int vector_registers = 16;
#endif

FOVEA_INLINE vf load(const float* p) { return vf::load_unaligned(p); }
FOVEA_INLINE void store(float* p, vf v) { v.store_unaligned(p); }
FOVEA_INLINE vf broadcast(float s) { return vf(s); }

#if defined(__AVX512F__)
FOVEA_INLINE vf fma(vf a, vf b, vf c) { return vf(_mm512_fmadd_ps(a, b, c)); }
FOVEA_INLINE vf fnma(vf a, vf b, vf c) { return vf(_mm512_fnmadd_ps(a, b, c)); } // c - a b
// max and min give their second operand where one is NaN. The maskz forms compile to the plain instructions; the plain
// intrinsics make g++ 12 warn of an uninitialised variable in its own header.
inline constexpr __mmask16 all_lanes = 0xffff;
FOVEA_INLINE vf at_least(vf x, vf low) { return vf(_mm512_maskz_max_ps(all_lanes, low, x)); }
FOVEA_INLINE vf at_most(vf x, vf high) { return vf(_mm512_maskz_min_ps(all_lanes, high, x)); }
FOVEA_INLINE vf square_root(vf x) { return vf(_mm512_maskz_sqrt_ps(all_lanes, x)); }
FOVEA_INLINE vf reciprocal_estimate(vf x) { return vf(_mm512_maskz_rcp14_ps(all_lanes, x)); }
// The first n lanes of a vector, 0 < n <= lanes. Loading gives zeros in the others.
FOVEA_INLINE vf load_part(const float* p, int n) { return vf(_mm512_maskz_loadu_ps(__mmask16((1u << n) - 1u), p)); }
FOVEA_INLINE void store_part(float* p, vf v, int n) { _mm512_mask_storeu_ps(p, __mmask16((1u << n) - 1u), v); }
FOVEA_INLINE vf keep_first(vf v, int n) { return vf(_mm512_maskz_mov_ps(__mmask16((1u << n) - 1u), v)); }
#elif defined(__AVX2__) && defined(__FMA__)
FOVEA_INLINE vf fma(vf a, vf b, vf c) { return vf(_mm256_fmadd_ps(a, b, c)); }
FOVEA_INLINE vf fnma(vf a, vf b, vf c) { return vf(_mm256_fnmadd_ps(a, b, c)); }
FOVEA_INLINE vf at_least(vf x, vf low) { return vf(_mm256_max_ps(low, x)); }
FOVEA_INLINE vf at_most(vf x, vf high) { return vf(_mm256_min_ps(high, x)); }
FOVEA_INLINE vf square_root(vf x) { return vf(_mm256_sqrt_ps(x)); }
FOVEA_INLINE vf reciprocal_estimate(vf x) { return vf(_mm256_rcp_ps(x)); }
FOVEA_INLINE __m256i first_lanes(int n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
FOVEA_INLINE vf load_part(const float* p, int n) { return vf(_mm256_maskload_ps(p, first_lanes(n))); }
FOVEA_INLINE void store_part(float* p, vf v, int n) { _mm256_maskstore_ps(p, first_lanes(n), v); }
FOVEA_INLINE vf keep_first(vf v, int n) { return vf(_mm256_and_ps(v, _mm256_castsi256_ps(first_lanes(n)))); }
#else
FOVEA_INLINE vf fma(vf a, vf b, vf c) { return xsimd::fma(a, b, c); }
FOVEA_INLINE vf fnma(vf a, vf b, vf c) { return xsimd::fma(-a, b, c); }
FOVEA_INLINE vf square_root(vf x) { return xsimd::sqrt(x); }
FOVEA_INLINE vf at_least(vf x, vf low) { return xsimd::select(x < low, low, x); }
FOVEA_INLINE vf at_most(vf x, vf high) { return xsimd::select(x > high, high, x); }
FOVEA_INLINE vf load_part(const float* p, int n) {
    alignas(64) float part[lanes] = {};
    for (int i = 0; i < n; ++i) part[i] = p[i];
    return load(part);
}
FOVEA_INLINE void store_part(float* p, vf v, int n) {
    alignas(64) float part[lanes];
    store(part, v);
    for (int i = 0; i < n; ++i) p[i] = part[i];
}
FOVEA_INLINE vf keep_first(vf v, int n) {
    alignas(64) float part[lanes];
    store(part, v);
    return load_part(part, n);
}
#endif

// 1 / x with a relative error of about 2^-23, for finite normal x.
FOVEA_INLINE vf reciprocal(vf x) {
#if defined(__AVX2__) && defined(__FMA__)
    const vf r = reciprocal_estimate(x);
    return fma(r, fnma(x, r, broadcast(1.f)), r);
#else
    return broadcast(1.f) / x;
#endif
}

// The sums over the lanes of `lanes` vectors, as one vector. All are added up in the same order.
#if defined(__AVX512F__)
template <int Low, int High> FOVEA_INLINE vf fold_quarters(vf a, vf b) {
    return vf(_mm512_maskz_shuffle_f32x4(all_lanes, a, b, Low)) + vf(_mm512_maskz_shuffle_f32x4(all_lanes, a, b, High));
}
template <int Low, int High> FOVEA_INLINE vf fold_within_quarters(vf a, vf b) {
    return vf(_mm512_maskz_shuffle_ps(all_lanes, a, b, Low)) + vf(_mm512_maskz_shuffle_ps(all_lanes, a, b, High));
}
FOVEA_INLINE vf sums_of(const vf (&v)[lanes]) {
    vf q[4]; // quarter i of q[j] has four lanes, whose sum is that of v[4 i + j]
    FOVEA_UNROLL
    for (int j = 0; j < 4; ++j)
        q[j] = fold_quarters<0x88, 0xDD>(fold_quarters<0x44, 0xEE>(v[j], v[4 + j]),
                                         fold_quarters<0x44, 0xEE>(v[8 + j], v[12 + j]));
    return fold_within_quarters<0x88, 0xDD>(fold_within_quarters<0x44, 0xEE>(q[0], q[1]),
                                            fold_within_quarters<0x44, 0xEE>(q[2], q[3]));
}
#else
FOVEA_INLINE vf sums_of(const vf (&v)[lanes]) { return xsimd::haddp(v); }
#endif

// Transposes a matrix of lanes x lanes numbers.
#if defined(__AVX512F__)
FOVEA_INLINE void transpose(vf (&v)[lanes]) {
    const auto pairs = [](vf a, vf b) { // interleaves lanes within quarters
        return std::pair{vf(_mm512_maskz_unpacklo_ps(all_lanes, a, b)), vf(_mm512_maskz_unpackhi_ps(all_lanes, a, b))};
    };
    vf t[lanes];
    FOVEA_UNROLL
    for (int i = 0; i < lanes; i += 4) {
        const auto [a, b] = pairs(v[i], v[i + 2]);
        const auto [c, d] = pairs(v[i + 1], v[i + 3]);
        std::tie(t[i], t[i + 1]) = pairs(a, c), std::tie(t[i + 2], t[i + 3]) = pairs(b, d);
    }
    FOVEA_UNROLL
    for (int i = 0; i < 4; ++i) { // t[4 r + i] has columns i, 4 + i, 8 + i and 12 + i of the rows 4 r to 4 r + 3
        const vf a(_mm512_maskz_shuffle_f32x4(all_lanes, t[i], t[4 + i], 0x88));
        const vf b(_mm512_maskz_shuffle_f32x4(all_lanes, t[i], t[4 + i], 0xDD));
        const vf c(_mm512_maskz_shuffle_f32x4(all_lanes, t[8 + i], t[12 + i], 0x88));
        const vf d(_mm512_maskz_shuffle_f32x4(all_lanes, t[8 + i], t[12 + i], 0xDD));
        v[i] = vf(_mm512_maskz_shuffle_f32x4(all_lanes, a, c, 0x88));
        v[4 + i] = vf(_mm512_maskz_shuffle_f32x4(all_lanes, b, d, 0x88));
        v[8 + i] = vf(_mm512_maskz_shuffle_f32x4(all_lanes, a, c, 0xDD));
        v[12 + i] = vf(_mm512_maskz_shuffle_f32x4(all_lanes, b, d, 0xDD));
    }
}
#elif defined(__AVX2__)
FOVEA_INLINE void transpose(vf (&v)[lanes]) {
    vf t[lanes];
    FOVEA_UNROLL
    for (int i = 0; i < lanes; i += 4) {
        const __m256 a = _mm256_unpacklo_ps(v[i], v[i + 2]), b = _mm256_unpackhi_ps(v[i], v[i + 2]);
        const __m256 c = _mm256_unpacklo_ps(v[i + 1], v[i + 3]), d = _mm256_unpackhi_ps(v[i + 1], v[i + 3]);
        t[i] = vf(_mm256_unpacklo_ps(a, c)), t[i + 1] = vf(_mm256_unpackhi_ps(a, c));
        t[i + 2] = vf(_mm256_unpacklo_ps(b, d)), t[i + 3] = vf(_mm256_unpackhi_ps(b, d));
    }
    FOVEA_UNROLL
    for (int i = 0; i < 4; ++i) {
        v[i] = vf(_mm256_permute2f128_ps(t[i], t[4 + i], 0x20));
        v[4 + i] = vf(_mm256_permute2f128_ps(t[i], t[4 + i], 0x31));
    }
}
#else
FOVEA_INLINE void transpose(vf (&v)[lanes]) {
    alignas(64) float rows[lanes][lanes], columns[lanes][lanes];
    for (int i = 0; i < lanes; ++i) store(rows[i], v[i]);
    for (int i = 0; i < lanes; ++i)
        for (int j = 0; j < lanes; ++j) columns[j][i] = rows[i][j];
    for (int i = 0; i < lanes; ++i) v[i] = load(columns[i]);
}
#endif

// The first n lanes, or all where n == lanes; the branch is cheap where n does not change in a loop.
FOVEA_INLINE vf load_first(const float* p, int n) { return n == lanes ? load(p) : load_part(p, n); }
FOVEA_INLINE void store_first(float* p, vf v, int n) { n == lanes ? store(p, v) : store_part(p, v, n); }

// Prefetches the cache line of p: to be read soon, to be read later, to be written.
#if defined(__GNUC__) || defined(__clang__)
FOVEA_INLINE void fetch_soon(const void* p) { __builtin_prefetch(p, 0, 3); }
FOVEA_INLINE void fetch_later(const void* p) { __builtin_prefetch(p, 0, 2); }
FOVEA_INLINE void fetch_to_write(void* p) { __builtin_prefetch(p, 1, 3); }
#else
FOVEA_INLINE void fetch_soon(const void*) {}
FOVEA_INLINE void fetch_later(const void*) {}
FOVEA_INLINE void fetch_to_write(void*) {}
#endif

// Stores past the caches, for results that are larger than the caches. The address is a multiple of a vector's bytes;
// stored_past() comes before another thread reads them.
#if defined(__AVX512F__)
FOVEA_INLINE void store_past(float* p, vf v) { _mm512_stream_ps(p, v); }
FOVEA_INLINE void stored_past() { _mm_sfence(); }
#elif defined(__AVX2__)
FOVEA_INLINE void store_past(float* p, vf v) { _mm256_stream_ps(p, v); }
FOVEA_INLINE void stored_past() { _mm_sfence(); }
#else
FOVEA_INLINE void store_past(float* p, vf v) { store(p, v); }
FOVEA_INLINE void stored_past() {}
#endif

// Hides where p comes from. The compiler would otherwise turn one base and a stride into a pointer for each pixel, and
// run out of registers.
template <class T> FOVEA_INLINE void opaque(T& p) {
#if defined(__GNUC__) || defined(__clang__)
    __asm__("" : "+r"(p));
#endif
}

// v, rounded. Keeps g++ from contracting a product and the sum that follows it into one multiply-add, which it does in
// some places and not in others.
FOVEA_INLINE vf rounded(vf v) {
#if defined(__GNUC__) && defined(__AVX512F__)
    __asm__("" : "+v"(v.data));
#elif defined(__GNUC__) && defined(__x86_64__)
    __asm__("" : "+x"(v.data));
#elif defined(__GNUC__) && defined(__aarch64__)
    __asm__("" : "+w"(v.data));
#endif
    return v;
}

} // namespace fovea::FOVEA_ISA
