// Activations on vectors: approximations of the formulas in ops/activation.hpp. Absolute errors are below 1e-6 times
// max(1, |x|); those given below were measured with g++ on 4 million random numbers for each function and set. NaN
// gives NaN; -inf and +inf give the limits.
#pragma once
#include "fovea/backend/cpu/gelu_table.hpp"
#include "fovea/backend/cpu/simd.hpp"
#include "fovea/ops/kernel.hpp"

namespace fovea::FOVEA_ISA {

// a[0] + a[1] x + ... + a[N-1] x^(N-1)
template <int N> FOVEA_INLINE vf polynomial(const float (&a)[N], vf x) {
    vf sum = broadcast(a[N - 1]);
    FOVEA_UNROLL
    for (int i = N - 2; i >= 0; --i) sum = fma(sum, x, broadcast(a[i]));
    return sum;
}

// 2^n, where the low bits of the mantissa of z are n + 127.
FOVEA_INLINE vf power_of_two(vf z) {
#if defined(__AVX512F__)
    return vf(_mm512_castsi512_ps(_mm512_maskz_slli_epi32(all_lanes, _mm512_castps_si512(z), 23)));
#elif defined(__AVX2__)
    return vf(_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(z), 23)));
#elif defined(__SSE2__)
    return vf(_mm_castsi128_ps(_mm_slli_epi32(_mm_castps_si128(z), 23)));
#else
    return vf(vreinterpretq_f32_s32(vshlq_n_s32(vreinterpretq_s32_f32(z), 23)));
#endif
}

// e^x = 2^n 2^f with n = round(x / ln 2). x is clamped to where neither the power nor its reciprocal leaves the normal
// numbers. A polynomial gives 2^f on [-1/2, 1/2] with a relative error of 2.4e-7; rounding x / ln 2 adds one that grows
// with |x|, to 7e-6 at 87.
FOVEA_INLINE vf exponential(vf x) {
    const vf z = at_most(at_least(x * broadcast(1.44269504f), broadcast(-126.f)), broadcast(126.f));
    const vf magic = broadcast(12582912.f + 127.f); // 1.5 2^23: a sum with it is rounded to an integer
    const vf rounded = z + magic, f = z - (rounded - magic);
    constexpr float power[] = {1.f, 6.9314718e-1f, 2.4022651e-1f, 5.5504109e-2f, 9.6181291e-3f, 1.3333558e-3f};
    return polynomial(power, f) * power_of_two(rounded);
}

// Absolute error 9e-7.
FOVEA_INLINE vf approximate_sigmoid(vf x) { return reciprocal(broadcast(1.f) + exponential(-x)); }

// x sigmoid(x), absolute error 7e-7 of max(1, |x|). Below -87 the product is smaller than 1e-36; x is clamped there, so
// that -inf gives the limit.
FOVEA_INLINE vf approximate_silu(vf x) {
    const vf bounded = at_least(x, broadcast(-87.f));
    return bounded * approximate_sigmoid(bounded);
}

// x Phi(x) = max(x, 0) - g(|x|) with g(t) = t Phi(-t), absolute error 4e-7 with AVX-512, else 2.2e-7. g is smooth,
// below 0.17, and so small beyond a limit that it is taken as constant there.
#if defined(__AVX512F__)
FOVEA_INLINE vf approximate_gelu(vf x) {
    const vf t = at_most(xsimd::abs(x), broadcast(gelu_limit));
    const vf magic = broadcast(12582912.f); // 1.5 2^23, as above
    const __m512i piece = _mm512_castps_si512(fma(t, broadcast(gelu_pieces_per_unit), magic));
    vf coefficients[4];
    FOVEA_UNROLL
    for (int i = 0; i < 4; ++i)
        coefficients[i] = vf(_mm512_permutex2var_ps(load(gelu_pieces[i]), piece, load(gelu_pieces[i] + lanes)));
    vf g = coefficients[3];
    FOVEA_UNROLL
    for (int i = 2; i >= 0; --i) g = fma(g, t, coefficients[i]);
    return at_least(x, broadcast(0.f)) - g;
}
#else
// g is a polynomial in u = 2 t / 5.4 - 1 that interpolates it at 17 Chebyshev nodes.
FOVEA_INLINE vf approximate_gelu(vf x) {
    constexpr float limit = 5.4f;
    constexpr float g[] = {9.360829368e-03f, -6.660953909e-02f, 2.009362429e-01f,  -3.035877347e-01f, 1.411209852e-01f,
                           3.031076491e-01f, -6.122202873e-01f, 3.783970475e-01f,  2.049410790e-01f,  -4.986398816e-01f,
                           1.967289746e-01f, 2.323611975e-01f,  -2.129788250e-01f, -4.762697592e-02f, 8.644945920e-02f,
                           2.598282415e-03f, -1.433839928e-02f};
    const vf t = at_most(xsimd::abs(x), broadcast(limit));
    const vf u = fma(t, broadcast(2 / limit), broadcast(-1.f));
    return at_least(x, broadcast(0.f)) - polynomial(g, u);
}
#endif

FOVEA_INLINE vf leaky_relu(vf x, vf slope) {
    const vf zero = broadcast(0.f);
    return fma(slope, at_most(x, zero), at_least(x, zero));
}

// The activation of a kind; slope is leaky_relu's.
template <activation_kind Kind> FOVEA_INLINE vf activated(vf x, float slope) {
    if constexpr (Kind == activation_kind::relu)
        return at_least(x, broadcast(0.f));
    else if constexpr (Kind == activation_kind::leaky_relu)
        return leaky_relu(x, broadcast(slope));
    else if constexpr (Kind == activation_kind::silu)
        return approximate_silu(x);
    else if constexpr (Kind == activation_kind::gelu)
        return approximate_gelu(x);
    else if constexpr (Kind == activation_kind::unit_range)
        return at_most(at_least(x, broadcast(0.f)), broadcast(1.f));
    else
        return x;
}

} // namespace fovea::FOVEA_ISA
