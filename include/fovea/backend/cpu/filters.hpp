// The filters of a convolution on their way from the order of weight files, (O,I/groups,K,K), to a kernel's. For the
// gradient of the input they are exchanged: inputs for outputs, and each filter rotated by 180 degrees.
#pragma once
#include "fovea/backend/cpu/simd.hpp"
#include "fovea/ops/kernel.hpp"

namespace fovea::FOVEA_ISA {

// The shape of the exchanged filters: (I,O/groups,K,K) for (O,I/groups,K,K).
inline weight_shape exchanged(const attributes& a, const weight_shape& s) {
    return {s[1] * a.groups, s[0] / a.groups, s[2], s[3]};
}

// The filters of one group. Outputs and inputs are those of the kernel that will read them; steps are in floats.
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
};

// Copies the outputs [first, first + width), with zeros beyond the last one. The number of output o, an input and a tap
// goes to out[tap_at(tap) + input * width + o - first].
template <class TapAt> void copy_filters(const filters& f, int first, int width, TapAt tap_at, float* out) {
    const int run = f.input_step == f.taps ? f.inputs * f.taps : f.taps; // numbers of an output that lie side by side
    constexpr int some = 4 * lanes; // of these numbers at a time, a few cache lines
    for (int first_input = 0; first_input < f.inputs; first_input += run / f.taps)
        for (int begin = 0; begin < run; begin += some)
            for (int v = 0; v < width; v += lanes) {
                const int n = std::clamp(f.outputs - first - v, 0, lanes), end = std::min(begin + some, run);
                const float* const from = f.w + (first + v) * f.output_step + first_input * f.input_step;
                int input = first_input + begin / f.taps, tap = begin % f.taps;
                const auto put = [&](vf numbers) {
                    const int turned = f.turned ? f.taps - 1 - tap : tap;
                    store(out + tap_at(turned) + std::ptrdiff_t(input) * width + v, numbers);
                    if (++tap == f.taps) tap = 0, ++input;
                };
                if (run == 1 && f.output_step == 1) {
                    put(n > 0 ? load_first(from, n) : vf(0.f));
                    continue;
                }
                for (int k = begin; k < end; k += lanes) {
                    const int columns = std::min(lanes, end - k);
                    vf numbers[lanes];
                    for (int o = 0; o < lanes; ++o)
                        numbers[o] = o < n ? load_first(from + o * f.output_step + k, columns) : vf(0.f);
                    transpose(numbers);
                    for (int j = 0; j < columns; ++j) put(numbers[j]);
                }
            }
}

} // namespace fovea::FOVEA_ISA
