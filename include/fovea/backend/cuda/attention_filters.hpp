// The weights of VapSR's attention branch in the layout of the kernel's shared memory, to which they are copied
// unchanged: those of the 1x1 convolutions in the tensors' 16-bit format, the others in float32.
#pragma once
#include "fovea/backend/cuda/tensor_cores.hpp"
#include "fovea/ops/kernel.hpp"

namespace fovea {

template <int Features, int Hidden> struct attention_filters {
    static constexpr int inputs = 10, taps = 25;

    std::uint16_t pointwise[Hidden * Hidden]; // in the order of product_filter()
    std::uint16_t proj_2[Features * Hidden];
    float depthwise[2][taps][Hidden]; // the second one is dilated
    float pointwise_bias[Hidden];
    float depthwise_bias[2][Hidden];
    float proj_2_bias[Features], norm_weight[Features], norm_bias[Features];

    // Packs the weights, given in the order of ops/attention_branch.hpp.
    void arrange(const preparation_call& c) {
        arrange_product(c.format, c.weight<float>(0), Hidden, pointwise);
        arrange_product(c.format, c.weight<float>(6), Features, proj_2);
        for (int k = 0; k < 2; ++k)
            for (int tap = 0; tap < taps; ++tap)
                for (int i = 0; i < Hidden; ++i) depthwise[k][tap][i] = c.weight<float>(2 + 2 * k)[i * taps + tap];
        const auto copy = [&](auto& to, int i) { std::copy_n(c.weight<float>(i), std::size(to), to); };
        copy(pointwise_bias, 1), copy(depthwise_bias[0], 3), copy(depthwise_bias[1], 5);
        copy(proj_2_bias, 7), copy(norm_weight, 8), copy(norm_bias, 9);
    }

  private:
    static void arrange_product(number_format f, const float* from, int outputs, std::uint16_t* to) {
        for (int o = 0; o < outputs; ++o)
            for (int i = 0; i < Hidden; ++i)
                to[product_filter(outputs, o, i)] = float_to_16_bits(f, from[o * Hidden + i]);
    }
};

} // namespace fovea
