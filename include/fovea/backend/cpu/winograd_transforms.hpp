// The transforms of Winograd's F(MxM,3x3) (Lavin and Gray 2015, arXiv 1509.09308). Along one axis M outputs of a filter
// g of three taps come from M + 2 inputs d by M + 2 products,
//
//   y = A^T ((G g) (B^T d)),
//
// where the two vectors in the outer brackets are multiplied element by element. In two dimensions the transforms are
// applied along rows and then along columns.
//
// M + 1 of the products are values of a polynomial at chosen points, the last one is its value at infinity. The points
// are zero and pairs +-p; the two products of a pair share their even and odd parts.
//
//   M = 4   {0, +-1/sqrt2, +-sqrt2, infinity}: as cheap as {0, +-1, +-2, infinity} and about 8 dB closer to the exact
//           result (Barabasz et al. 2018, arXiv 1803.10986)
//   M = 6   {0, +-1, +-1/2, +-2, infinity}: a fifth fewer products than M = 4, and an error that is 12 dB larger, about
//           -109 dB for 64 channels
//
// B^T and A^T are computed in parts that fit the registers. A part gives some rows of the result.
#pragma once
#include "fovea/backend/cpu/simd.hpp"

namespace fovea::FOVEA_ISA {

inline constexpr int small_tile = 4, large_tile = 6; // M

template <int M> struct winograd_transform;

template <> struct winograd_transform<small_tile> {
    static constexpr int outputs = 4, inputs = 6;
    static constexpr int input_parts = 2;     // rows 0 to 2, and 3 to 5
    static constexpr int output_parts = 2;    // rows 0 and 2, and 1 and 3
    static constexpr int row_of_infinity = 5; // of B^T; the points have the other rows, in their order
    static constexpr double points[inputs - 1] = {0, 0.70710678118654752440, -0.70710678118654752440,
                                                  1.41421356237309504880, -1.41421356237309504880};

    // Whether a part of B^T d reads d[i], and a part of A^T m reads m[i].
    static constexpr bool input_is_read(int part, int i) { return i != (part == 0 ? 5 : 0); }
    static constexpr bool sum_is_read(int part, int i) { return i != (part == 0 ? 5 : 0); }

    template <int Part> FOVEA_INLINE static void from_inputs(const vf (&d)[6], vf (&o)[3]) {
        const vf both = broadcast(2.5f);
        if constexpr (Part == 0) {
            const vf two = broadcast(2.f), inner = broadcast(float(points[1]));
            const vf even = fnma(two, d[2], d[4]), odd = fnma(two, d[1], d[3]);
            o[0] = fnma(both, d[2], d[0] + d[4]);
            o[1] = fma(inner, odd, even);
            o[2] = fnma(inner, odd, even);
        } else {
            const vf half = broadcast(0.5f), outer = broadcast(float(points[3]));
            const vf even = fnma(half, d[2], d[4]), odd = fnma(half, d[1], d[3]);
            o[0] = fma(outer, odd, even);
            o[1] = fnma(outer, odd, even);
            o[2] = fnma(both, d[3], d[1] + d[5]);
        }
    }
    template <int Part> FOVEA_INLINE static void to_outputs(const vf (&m)[6], vf (&o)[2]) {
        if constexpr (Part == 0) {
            const vf inner = m[1] + m[2], outer = m[3] + m[4];
            o[0] = m[0] + inner + outer;
            o[1] = fma(broadcast(0.5f), inner, broadcast(2.f) * outer);
        } else {
            const vf inner = m[1] - m[2], outer = m[3] - m[4];
            o[0] = fma(broadcast(float(points[1])), inner, broadcast(float(points[3])) * outer);
            o[1] = fma(broadcast(float(points[1] / 2)), inner, fma(broadcast(float(points[3] * 2)), outer, m[5]));
        }
    }
};

template <> struct winograd_transform<large_tile> {
    static constexpr int outputs = 6, inputs = 8;
    static constexpr int input_parts = 4;  // the rows of 0 and infinity, of +-1, of +-1/2, of +-2
    static constexpr int output_parts = 2; // rows 0, 2, 4, and 1, 3, 5
    static constexpr int row_of_infinity = 1;
    static constexpr double points[inputs - 1] = {0, 1, -1, 0.5, -0.5, 2, -2};

    static constexpr bool input_is_read(int part, int i) { return part == 0 || (i != 0 && i != 7); }
    static constexpr bool sum_is_read(int part, int i) { return i != (part == 0 ? 1 : 0); }

    template <int Part> FOVEA_INLINE static void from_inputs(const vf (&d)[8], vf (&o)[2]) {
        if constexpr (Part == 0) {
            const vf all = broadcast(5.25f);
            o[0] = fma(all, d[2] - d[4], d[6] - d[0]);
            o[1] = fma(all, d[3] - d[5], d[7] - d[1]);
        } else { // x (x +- p) (x^2 - q^2) (x^2 - r^2) for the other points q and r
            const auto parts_of = [&](vf low, vf middle, vf high) {
                if constexpr (Part == 1) return fnma(broadcast(4.25f), middle, low + high);
                if constexpr (Part == 2) return fma(broadcast(4.f), low, fnma(broadcast(5.f), middle, high));
                return fma(broadcast(0.25f), low, fnma(broadcast(1.25f), middle, high));
            };
            const vf even = parts_of(d[2], d[4], d[6]), odd = parts_of(d[1], d[3], d[5]);
            const vf p = broadcast(float(points[2 * Part - 1]));
            o[0] = Part == 1 ? even + odd : fma(p, odd, even);
            o[1] = Part == 1 ? even - odd : fnma(p, odd, even);
        }
    }
    template <int Part> FOVEA_INLINE static void to_outputs(const vf (&m)[8], vf (&o)[3]) {
        if constexpr (Part == 0) {
            const vf one = m[2] + m[3], half = m[4] + m[5], two = m[6] + m[7];
            o[0] = (m[0] + one) + (half + two);
            o[1] = fma(broadcast(4.f), two, fma(broadcast(0.25f), half, one));
            o[2] = fma(broadcast(16.f), two, fma(broadcast(0.0625f), half, one));
        } else {
            const vf one = m[2] - m[3], half = m[4] - m[5], two = m[6] - m[7];
            o[0] = fma(broadcast(2.f), two, fma(broadcast(0.5f), half, one));
            o[1] = fma(broadcast(8.f), two, fma(broadcast(0.125f), half, one));
            o[2] = fma(broadcast(32.f), two, fma(broadcast(0.03125f), half, one)) + m[1];
        }
    }
};

// G, with its rows in the order of those of B^T. The row of a point p is (1, p, p^2) / product of (p - q) over the
// other points q.
template <int M> void winograd_filter_matrix(double (&G)[M + 2][3]) {
    using transform = winograd_transform<M>;
    constexpr int N = transform::inputs, infinity = transform::row_of_infinity;
    for (int i = 0; i < N - 1; ++i) {
        const double p = transform::points[i];
        double divisor = 1;
        for (double q : transform::points)
            if (q != p) divisor *= p - q;
        auto& row = G[i < infinity ? i : i + 1];
        row[0] = 1 / divisor, row[1] = p / divisor, row[2] = p * p / divisor;
    }
    G[infinity][0] = G[infinity][1] = 0, G[infinity][2] = 1;
}

// u = G g G^T, computed in double, for a vector of filters g, whose taps lie `step` floats apart; u is [plane][lanes].
// The rows of G of the points p and -p differ in the sign of their middle number alone.
template <int M> void transform_filters(const double (&G)[M + 2][3], const float* g, std::ptrdiff_t step, float* u) {
    constexpr int infinity = winograd_transform<M>::row_of_infinity, pairs = infinity == 1 ? 2 : 1;
    const auto times_g = [&](const double(&a)[3][lanes], auto put) { // put(row, o, value)
        for (int o = 0; o < lanes; ++o) put(0, o, G[0][0] * a[0][o]), put(infinity, o, a[2][o]);
        for (int i = pairs; i < pairs + M; i += 2)
            for (int o = 0; o < lanes; ++o) {
                const double even = G[i][0] * a[0][o] + G[i][2] * a[2][o], odd = G[i][1] * a[1][o];
                put(i, o, even + odd), put(i + 1, o, even - odd);
            }
    };
    double filter[3][lanes], rows[M + 2][3][lanes];
    for (int x = 0; x < 3; ++x) {
        for (int y = 0; y < 3; ++y)
            for (int o = 0; o < lanes; ++o) filter[y][o] = double(g[(3 * y + x) * step + o]);
        times_g(filter, [&](int i, int o, double v) { rows[i][x][o] = v; });
    }
    for (int i = 0; i < M + 2; ++i, u += (M + 2) * lanes)
        times_g(rows[i], [&](int j, int o, double v) { u[j * lanes + o] = float(v); });
}

} // namespace fovea::FOVEA_ISA
