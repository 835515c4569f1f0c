// The transforms of Winograd's F(4x4,3x3) (Lavin and Gray 2015, arXiv 1509.09308): four outputs of a filter of three
// taps from six inputs by six products,
//
//   y = A^T ((G g) (B^T d))        element by element between the brackets; on images along rows, then along columns
//
// with the points {0, +-1/sqrt2, +-sqrt2, infinity}: about 8 dB closer to the exact result than {0, +-1, +-2}, and as
// cheap, because the two points of a pair share their even and odd parts (Barabasz et al. 2018, arXiv 1803.10986).
#pragma once
#include "fovea/backend/cpu/simd.hpp"

namespace fovea::FOVEA_ISA {

inline constexpr int winograd_outputs = 4; // of a tile along one axis
inline constexpr int winograd_inputs = 6;
inline constexpr int winograd_planes = winograd_inputs * winograd_inputs;
inline constexpr double winograd_points[winograd_inputs - 1] = {0, 0.70710678118654752440, -0.70710678118654752440,
                                                                1.41421356237309504880, -1.41421356237309504880};

// o = B^T d, six values from six: the first three, which do not read d[5], and the last three, which do not read d[0].
enum class transform_part { first, last };
template <transform_part Part>
FOVEA_INLINE void transform_inputs(const vf (&d)[winograd_inputs], vf (&o)[winograd_inputs / 2]) {
    const vf both = broadcast(2.5f);
    if constexpr (Part == transform_part::first) {
        const vf two = broadcast(2.f), near = broadcast(float(winograd_points[1]));
        const vf even = fnma(two, d[2], d[4]), odd = fnma(two, d[1], d[3]);
        o[0] = fnma(both, d[2], d[0] + d[4]);
        o[1] = fma(near, odd, even);
        o[2] = fnma(near, odd, even);
    } else {
        const vf half = broadcast(0.5f), far = broadcast(float(winograd_points[3]));
        const vf even = fnma(half, d[2], d[4]), odd = fnma(half, d[1], d[3]);
        o[0] = fma(far, odd, even);
        o[1] = fnma(far, odd, even);
        o[2] = fnma(both, d[3], d[1] + d[5]);
    }
}

// o = A^T m, four values from six.
FOVEA_INLINE void transform_outputs(const vf (&m)[winograd_inputs], vf (&o)[winograd_outputs]) {
    const vf near = broadcast(float(winograd_points[1])), far = broadcast(float(winograd_points[3]));
    const vf near_cubed = broadcast(float(winograd_points[1] / 2)),
             far_cubed = broadcast(float(winograd_points[3] * 2));
    const vf even_near = m[1] + m[2], odd_near = m[1] - m[2], even_far = m[3] + m[4], odd_far = m[3] - m[4];
    o[0] = m[0] + even_near + even_far;
    o[1] = fma(near, odd_near, far * odd_far);
    o[2] = fma(broadcast(0.5f), even_near, broadcast(2.f) * even_far);
    o[3] = fma(near_cubed, odd_near, fma(far_cubed, odd_far, m[5]));
}

// u = G g G^T for one filter g[row][column], in double.
inline void transform_filter(const float* g, double (&u)[winograd_inputs][winograd_inputs]) {
    double G[winograd_inputs][3] = {}; // row i: (1, p, p^2) / product of (p - q) over the other points q
    for (int i = 0; i < winograd_inputs - 1; ++i) {
        const double p = winograd_points[i];
        double divisor = 1;
        for (double q : winograd_points)
            if (q != p) divisor *= p - q;
        G[i][0] = 1 / divisor, G[i][1] = p / divisor, G[i][2] = p * p / divisor;
    }
    G[winograd_inputs - 1][2] = 1;
    for (int i = 0; i < winograd_inputs; ++i) {
        double row[3] = {};
        for (int x = 0; x < 3; ++x)
            for (int y = 0; y < 3; ++y) row[x] += G[i][y] * double(g[3 * y + x]);
        for (int j = 0; j < winograd_inputs; ++j) u[i][j] = row[0] * G[j][0] + row[1] * G[j][1] + row[2] * G[j][2];
    }
}

} // namespace fovea::FOVEA_ISA
