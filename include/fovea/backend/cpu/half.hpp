// Conversions of numbers of 16 bits to float32 and back, with the bits that core/half.hpp gives.
//
// Half precision is converted by instructions, which every machine with AVX2 or AVX-512 has, and number by number in
// other instruction sets. bfloat16 is converted by integer arithmetic: the instruction for it that some machines have
// treats subnormals as zeros.
#pragma once
#include "fovea/backend/cpu/int8_vectors.hpp"
#include "fovea/ops/kernel.hpp"

namespace fovea::FOVEA_ISA {

#if defined(__AVX512F__) // the maskz forms: see simd.hpp
template <int N> FOVEA_INLINE vi shifted_up(vi v) { return vi(_mm512_maskz_slli_epi32(all_lanes, v, N)); }
template <int N> FOVEA_INLINE vi shifted_down(vi v) { return vi(_mm512_maskz_srai_epi32(all_lanes, v, N)); }
#else
template <int N> FOVEA_INLINE vi shifted_up(vi v) { return v << N; }
template <int N> FOVEA_INLINE vi shifted_down(vi v) { return v >> N; } // copies of the sign bit come in
#endif

// Loads and stores of the low 16 bits of every lane. Loading gives zeros above them.
#if defined(__AVX512F__)
FOVEA_INLINE vi load_low(const std::uint16_t* p) {
    return vi(_mm512_maskz_cvtepu16_epi32(all_lanes, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))));
}
FOVEA_INLINE void store_low(std::uint16_t* p, vi v) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_maskz_cvtepi32_epi16(all_lanes, v));
}
FOVEA_INLINE vi bits_of(vf v) { return vi(_mm512_castps_si512(v)); }
FOVEA_INLINE vf floats_of_bits(vi v) { return vf(_mm512_castsi512_ps(v)); }
#elif defined(__AVX2__)
FOVEA_INLINE vi load_low(const std::uint16_t* p) {
    return vi(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}
FOVEA_INLINE void store_low(std::uint16_t* p, vi v) {
    const __m256i low = _mm256_and_si256(v, _mm256_set1_epi32(0xffff));
    const __m128i packed = _mm_packus_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), packed);
}
FOVEA_INLINE vi bits_of(vf v) { return vi(_mm256_castps_si256(v)); }
FOVEA_INLINE vf floats_of_bits(vi v) { return vf(_mm256_castsi256_ps(v)); }
#else
FOVEA_INLINE vi load_low(const std::uint16_t* p) {
    alignas(64) std::int32_t all[lanes];
    for (int i = 0; i < lanes; ++i) all[i] = p[i];
    return load(all);
}
FOVEA_INLINE void store_low(std::uint16_t* p, vi v) {
    alignas(64) std::int32_t all[lanes];
    store(all, v);
    for (int i = 0; i < lanes; ++i) p[i] = std::uint16_t(all[i] & 0xffff);
}
FOVEA_INLINE vi bits_of(vf v) {
    alignas(64) float values[lanes];
    alignas(64) std::int32_t bits[lanes];
    store(values, v);
    for (int i = 0; i < lanes; ++i) bits[i] = std::bit_cast<std::int32_t>(values[i]);
    return load(bits);
}
FOVEA_INLINE vf floats_of_bits(vi v) {
    alignas(64) std::int32_t bits[lanes];
    alignas(64) float values[lanes];
    store(bits, v);
    for (int i = 0; i < lanes; ++i) values[i] = std::bit_cast<float>(bits[i]);
    return load(values);
}
#endif

struct bfloat16_vectors {
    static constexpr auto format = number_format::bfloat16;
    FOVEA_INLINE static vf widened(const std::uint16_t* p) { return floats_of_bits(shifted_up<16>(load_low(p))); }
    FOVEA_INLINE static void narrow(std::uint16_t* p, vf v) {
        const vi bits = bits_of(v), high = shifted_down<16>(bits), quiet = high | broadcast(0x40);
        const vi nearest = shifted_down<16>(bits + broadcast(0x7fff) + (high & broadcast(1)));
        const vi nan = shifted_down<31>(broadcast(0x7f800000) -
                                        (bits & broadcast(0x7fffffff))); // all bits of a lane are set where v is a NaN
        store_low(p, nearest ^ ((nearest ^ quiet) & nan));
    }
};

struct float16_vectors {
    static constexpr auto format = number_format::float16;
#if defined(__AVX512F__)
    FOVEA_INLINE static vf widened(const std::uint16_t* p) {
        return vf(_mm512_maskz_cvtph_ps(all_lanes, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))));
    }
    FOVEA_INLINE static void narrow(std::uint16_t* p, vf v) {
        constexpr int nearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_maskz_cvtps_ph(all_lanes, v, nearest));
    }
#elif defined(__AVX2__) && defined(__F16C__)
    FOVEA_INLINE static vf widened(const std::uint16_t* p) {
        return vf(_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
    }
    FOVEA_INLINE static void narrow(std::uint16_t* p, vf v) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
    }
#else
    FOVEA_INLINE static vf widened(const std::uint16_t* p) {
        alignas(64) float values[lanes];
        for (int i = 0; i < lanes; ++i) values[i] = float_from_half(p[i]);
        return load(values);
    }
    FOVEA_INLINE static void narrow(std::uint16_t* p, vf v) {
        alignas(64) float values[lanes];
        store(values, v);
        for (int i = 0; i < lanes; ++i) p[i] = half_from_float(values[i]);
    }
#endif
};

template <class F> FOVEA_INLINE void with_16_bit_vectors(number_format format, F f) {
    format == number_format::float16 ? f(float16_vectors{}) : f(bfloat16_vectors{});
}

inline void widen(number_format format, const std::uint16_t* from, float* to, std::ptrdiff_t count) {
    with_16_bit_vectors(format, [&]<class Vectors>(Vectors) {
        std::ptrdiff_t i = 0;
        for (; i + lanes <= count; i += lanes) store(to + i, Vectors::widened(from + i));
        for (; i < count; ++i) to[i] = float_from_16_bits(Vectors::format, from[i]);
    });
}
inline void narrow(number_format format, const float* from, std::uint16_t* to, std::ptrdiff_t count) {
    with_16_bit_vectors(format, [&]<class Vectors>(Vectors) {
        std::ptrdiff_t i = 0;
        for (; i + lanes <= count; i += lanes) Vectors::narrow(to + i, load(from + i));
        for (; i < count; ++i) to[i] = float_to_16_bits(Vectors::format, from[i]);
    });
}

} // namespace fovea::FOVEA_ISA
