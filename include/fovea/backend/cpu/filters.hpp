// The filters of a convolution on their way from a file's order, (O,I/groups,K,K), to a kernel's: as they are, or
// exchanged for its gradient, inputs for outputs, each turned by half a circle.
#pragma once
#include "fovea/backend/cpu/simd.hpp"
#include "fovea/graph/kernel.hpp"

namespace fovea::FOVEA_ISA {

// (O,I/groups,K,K) to (I,O/groups,K,K).
inline weight_shape exchanged(const attributes& a, const weight_shape& s) {
    return {s[1] * a.groups, s[0] / a.groups, s[2], s[3]};
}

// Of one group; outputs and inputs are those of the kernel, steps in floats.
struct filters {
    const float* w;
    int outputs, inputs, taps;
    std::ptrdiff_t output_step, input_step;
    bool turned;

    static filters of(const attributes& a, const weight_shape& s, const float* w, int group = 0) {
        const int outputs = s[0] / a.groups, taps = s[2] * s[3];
        const std::ptrdiff_t each = std::ptrdiff_t(s[1]) * taps;
        return {w + group * outputs * each, outputs, s[1], taps, each, taps, false};
    }
    filters exchanged() const { return {w, inputs, outputs, taps, input_step, output_step, !turned}; }
    const float* at(int output, int input, int tap) const {
        return w + output * output_step + input * input_step + (turned ? taps - 1 - tap : tap);
    }
};

// The outputs [first, first + width), zeros beyond the last: output o of an input's tap to
// out[tap_at(tap) + input * width + o - first].
template <class TapAt> void copy_filters(const filters& f, int first, int width, TapAt tap_at, float* out) {
    constexpr int some = 16; // inputs, of which lines of w hold the same outputs
    for (int begin = 0; begin < f.inputs; begin += some)
        for (int v = 0; v < width; v += lanes) {
            const int n = std::clamp(f.outputs - first - v, 0, lanes);
            for (int i = begin; i < std::min(begin + some, f.inputs); ++i)
                for (int tap = 0; tap < f.taps; ++tap) {
                    const float* from = f.at(first + v, i, tap);
                    float* to = out + tap_at(tap) + std::ptrdiff_t(i) * width + v;
                    for (int o = 0; o < n; ++o) to[o] = from[o * f.output_step];
                    std::fill_n(to + n, lanes - n, 0.f);
                }
        }
}

} // namespace fovea::FOVEA_ISA
