// Vectors of 32-bit integers, and sums of products of 8-bit numbers in them.
//
// A lane adds the products of `group_channels` channels at a time: unsigned activations, which are the same in all
// lanes, times the signed weights of each lane. A group is packed into 32 bits, as four bytes where the instruction set
// has a dot product of bytes (VNNI), else as two 16-bit numbers. The sums are exact, so that every instruction set
// gives the same.
#pragma once
#include <bit>
#include <cstdint>

#include "fovea/backend/cpu/simd.hpp"

namespace fovea::FOVEA_ISA {

using vi = xsimd::batch<std::int32_t>;
static_assert(int(vi::size) == lanes);

FOVEA_INLINE vi load(const std::int32_t* p) { return vi::load_unaligned(p); }
FOVEA_INLINE void store(std::int32_t* p, vi v) { v.store_unaligned(p); }
FOVEA_INLINE vi broadcast(std::int32_t s) { return vi(s); }

// sum + the dot products of the groups in a and b
#if defined(__AVX512F__) && defined(__AVX512VNNI__)
using quantised = std::uint8_t; // an activation within a group
using quantised_weight = std::int8_t;
FOVEA_INLINE vi add_product(vi a, vi b, vi sum) { return vi(_mm512_dpbusd_epi32(sum, a, b)); }
#else
using quantised = std::int16_t;
using quantised_weight = std::int16_t;
#if defined(__AVX512F__)
FOVEA_INLINE vi add_product(vi a, vi b, vi sum) { return sum + vi(_mm512_madd_epi16(a, b)); }
#elif defined(__AVX2__)
FOVEA_INLINE vi add_product(vi a, vi b, vi sum) { return sum + vi(_mm256_madd_epi16(a, b)); }
#elif defined(__SSE2__)
FOVEA_INLINE vi add_product(vi a, vi b, vi sum) { return sum + vi(_mm_madd_epi16(a, b)); }
#else
FOVEA_INLINE vi add_product(vi a, vi b, vi sum) {
    return sum + ((a << 16) >> 16) * ((b << 16) >> 16) + (a >> 16) * (b >> 16);
}
#endif
#endif
inline constexpr int group_channels = int(sizeof(std::int32_t) / sizeof(quantised));

FOVEA_INLINE vf add_product(vf a, vf b, vf sum) { return fma(a, b, sum); }
#if defined(__AVX512F__)
FOVEA_INLINE vf as_floats(vi v) { return vf(_mm512_maskz_cvtepi32_ps(all_lanes, v)); } // see simd.hpp
#else
FOVEA_INLINE vf as_floats(vi v) { return xsimd::to_float(v); }
#endif

// Stores the low bits of the first n lanes.
FOVEA_INLINE void store_low_bits(quantised* p, vf v, int n) {
#if defined(__AVX512F__) && defined(__AVX512VNNI__)
    const __m128i bytes = _mm512_maskz_cvtepi32_epi8(all_lanes, _mm512_castps_si512(v));
    if (n == lanes)
        _mm_storeu_si128(reinterpret_cast<__m128i*>(p), bytes);
    else
        _mm_mask_storeu_epi8(p, __mmask16((1u << n) - 1u), bytes);
#else
    alignas(64) float all[lanes];
    store(all, v);
    for (int i = 0; i < n; ++i) p[i] = quantised(std::bit_cast<std::uint32_t>(all[i]) & 0xffu);
#endif
}

} // namespace fovea::FOVEA_ISA
