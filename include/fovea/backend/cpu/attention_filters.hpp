// The depthwise filters of the attention block, along a ring row.
#pragma once
#include "fovea/backend/cpu/attention_strip.hpp"
#include "fovea/backend/cpu/depthwise.hpp"

namespace fovea::FOVEA_ISA {

// A filter of 5x5 taps, D columns apart, on n columns of all vectors of channels. row: the five input rows at the first
// tap of column 0. Each result is multiplied with `factor`, unless that is null.
template <int D>
void filter_row(const float* const (&row)[5], int n, std::ptrdiff_t group, int groups, const float* taps,
                const float* bias, const float* factor, float* out) {
    const auto block = [&](auto size, std::ptrdiff_t at) {
        constexpr int B = decltype(size)::value;
        vf acc[B];
        FOVEA_UNROLL
        for (int b = 0; b < B; ++b) acc[b] = load(bias);
        sum_taps<5, D, lanes>(row, at, lanes, taps, acc);
        FOVEA_UNROLL
        for (int b = 0; b < B; ++b) {
            const std::ptrdiff_t to = at + b * lanes;
            store(out + to, factor ? acc[b] * load(factor + to) : acc[b]);
        }
    };
    constexpr int B = depthwise_block;
    for (int g = 0; g < groups; ++g, taps += 25 * lanes, bias += lanes) {
        int x = 0;
        if (n >= B)
            for (; x < n; x += B) block(std::integral_constant<int, B>{}, g * group + std::min(x, n - B) * lanes);
        for (; x < n; ++x) block(std::integral_constant<int, 1>{}, g * group + x * lanes);
    }
}

} // namespace fovea::FOVEA_ISA
