// Vectors of pairs of numbers in half precision, and sums of their products in half precision, as AVX512-FP16 computes
// them.
//
// A lane of 32 bits holds the numbers of two input channels. A sum's lane holds two sums: that of the first channel's
// products in its low half, that of the second channel's in its high half. With FOVEA_EMULATE_FP16 other machines
// compute the same bits, but for the payloads of NaNs, slowly.
#pragma once
#include "fovea/backend/cpu/half.hpp"

namespace fovea::FOVEA_ISA {

#if defined(__AVX512FP16__) || FOVEA_EMULATE_FP16
inline constexpr bool multiplies_halves = true;
#else
inline constexpr bool multiplies_halves = false;
#endif
inline constexpr int pair_channels = 2;

FOVEA_INLINE vf widened(vi low_bits) {
    alignas(64) std::uint16_t halves[lanes];
    store_low(halves, low_bits);
    return float16_vectors::widened(halves);
}

#if defined(__AVX512FP16__)
using half_pairs = __m512h; // not integers: g++ would copy sums back and forth between the types
FOVEA_INLINE half_pairs pairs_of(vi v) { return _mm512_castsi512_ph(v); }
FOVEA_INLINE vi bits_of(half_pairs v) { return vi(_mm512_castph_si512(v)); }
// sum + a b, rounded once in each half
FOVEA_INLINE half_pairs add_product(half_pairs a, half_pairs b, half_pairs sum) { return _mm512_fmadd_ph(a, b, sum); }
#else
struct half_pairs {
    vi bits;
};
FOVEA_INLINE half_pairs pairs_of(vi v) { return {v}; }
FOVEA_INLINE vi bits_of(half_pairs v) { return v.bits; }
// a b + c of numbers in half precision, as a float32 that can be rounded to half precision as if it were exact. The
// product is exact in float32. The sum is rounded to odd, which sets its last bit where bits are lost (Boldo and
// Melquiond, IEEE Transactions on Computers 57, 2008).
FOVEA_INLINE vf add_product_to_odd(vf a, vf b, vf c) {
    const vf product = a * b, sum = product + c;
    const vf c_in_sum = sum - product;
    const vf lost = (product - (sum - c_in_sum)) + (c - c_in_sum);
    const vi bits = bits_of(sum), lost_bits = bits_of(lost), magnitude = broadcast(0x7fffffff);
    const vi toward_zero = shifted_down<31>(bits ^ lost_bits); // -1 where rounding went away from zero
    const vi inexact = shifted_down<31>(broadcast(0) - (lost_bits & magnitude));
    const vi finite = shifted_down<31>((bits & magnitude) - broadcast(0x7f800000));
    const vi odd = (bits + toward_zero) | broadcast(1);
    return floats_of_bits(bits ^ ((bits ^ odd) & inexact & finite));
}
FOVEA_INLINE vi narrowed(vf v) {
    alignas(64) std::uint16_t halves[lanes];
    float16_vectors::narrow(halves, v);
    return load_low(halves);
}
FOVEA_NOINLINE inline half_pairs add_product(half_pairs a, half_pairs b, half_pairs sum) {
    const auto half = [&](auto part) {
        return narrowed(add_product_to_odd(widened(part(a.bits)), widened(part(b.bits)), widened(part(sum.bits))));
    };
    const vi low = half([](vi v) { return v; }), high = half([](vi v) { return shifted_down<16>(v); });
    return {low | shifted_up<16>(high)};
}
#endif

// The two halves of each lane, added in float32.
FOVEA_INLINE vf sums_of(half_pairs pairs) {
#if defined(__AVX512F__)
    alignas(64) static constexpr std::uint16_t low_then_high[32] = {0,  2,  4,  6,  8,  10, 12, 14, 16, 18, 20,
                                                                    22, 24, 26, 28, 30, 1,  3,  5,  7,  9,  11,
                                                                    13, 15, 17, 19, 21, 23, 25, 27, 29, 31};
    const __m512i v = _mm512_maskz_permutexvar_epi16(~__mmask32(0), _mm512_load_si512(low_then_high),
                                                     bits_of(pairs)); // maskz: see simd.hpp
    constexpr __mmask8 all = 0xf;
    return vf(_mm512_maskz_cvtph_ps(all_lanes, _mm512_maskz_extracti64x4_epi64(all, v, 0))) +
           vf(_mm512_maskz_cvtph_ps(all_lanes, _mm512_maskz_extracti64x4_epi64(all, v, 1)));
#else
    return widened(bits_of(pairs)) + widened(shifted_down<16>(bits_of(pairs)));
#endif
}

} // namespace fovea::FOVEA_ISA
