// Matrix products in 16 bits with float32 sums, computed by a warp: 16 pixels x 8 outputs at a time, in steps of 16
// inputs. On a GPU the tensor cores multiply (PTX ISA, mma.m16n8k16); on the host each lane computes its four results
// by a loop.
//
// In each step a lane holds four neighbouring inputs of the pixels `row` and `row` + 8 and of one output. The
// instruction expects other inputs in a lane, but their order does not matter to a sum as long as both factors agree,
// and neighbours can be read 8 bytes at a time. The lane's results are outputs `output` and `output` + 1 of the same
// two pixels.
#pragma once
#include "fovea/backend/cuda/numbers.hpp"

namespace fovea {

struct product_lane {
    int lane; // index in the warp

    FOVEA_HOST_DEVICE int row() const { return lane / 4; }
    FOVEA_HOST_DEVICE int output() const { return lane % 4 * 2; }
    FOVEA_HOST_DEVICE int input() const { return lane % 4 * 4; }
};

// The index of an input and an output in the packed filters of 1x1 convolutions, (steps, outputs, 16).
FOVEA_HOST_DEVICE constexpr int product_filter(int outputs, int output, int input) {
    return (input / 16 * outputs + output) * 16 + input % 16;
}

// A lane's part of 16 pixels with 16 * Steps inputs. Pixels are aligned to 8 bytes; a null pointer reads as zeros.
template <int Steps> class product_pixels {
  public:
    FOVEA_HOST_DEVICE void load(product_lane l, const std::uint16_t* first, const std::uint16_t* second) {
#if defined(__CUDA_ARCH__)
        FOVEA_UNROLL
        for (int s = 0; s < Steps; ++s) {
            const int at = s * 16 + l.input();
            part_[s][0] = first ? *reinterpret_cast<const uint2*>(first + at) : uint2{};
            part_[s][1] = second ? *reinterpret_cast<const uint2*>(second + at) : uint2{};
        }
#else
        static_cast<void>(l);
        pixel_[0] = first, pixel_[1] = second;
#endif
    }

    // sum (2 pixels x 2 outputs) += pixels x filters, for the 8 outputs from `first` on; w in the order of
    // product_filter().
    template <number_format Format>
    FOVEA_HOST_DEVICE void multiply(product_lane l, const std::uint16_t* w, int outputs, int first,
                                    float (&sum)[2][2]) const {
#if defined(__CUDA_ARCH__)
        FOVEA_UNROLL
        for (int s = 0; s < Steps; ++s)
            multiply_step<Format>(
                part_[s][0], part_[s][1],
                *reinterpret_cast<const uint2*>(w + product_filter(outputs, first + l.row(), s * 16 + l.input())), sum);
#else
        for (int i = 0; i < 2; ++i)
            for (int o = 0; pixel_[i] && o < 2; ++o)
                for (int c = 0; c < 16 * Steps; ++c)
                    sum[i][o] += detail::widened(Format, pixel_[i][c]) *
                                 detail::widened(Format, w[product_filter(outputs, first + l.output() + o, c)]);
#endif
    }

  private:
#if defined(__CUDA_ARCH__)
    template <number_format Format>
    __device__ static void multiply_step(uint2 first, uint2 second, uint2 w, float (&sum)[2][2]) {
        if constexpr (Format == number_format::bfloat16)
            asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
                "{%0,%1,%2,%3};"
                : "+f"(sum[0][0]), "+f"(sum[0][1]), "+f"(sum[1][0]), "+f"(sum[1][1])
                : "r"(first.x), "r"(second.x), "r"(first.y), "r"(second.y), "r"(w.x), "r"(w.y));
        else
            asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
                "{%0,%1,%2,%3};"
                : "+f"(sum[0][0]), "+f"(sum[0][1]), "+f"(sum[1][0]), "+f"(sum[1][1])
                : "r"(first.x), "r"(second.x), "r"(first.y), "r"(second.y), "r"(w.x), "r"(w.y));
    }

    uint2 part_[Steps][2];
#else
    const std::uint16_t* pixel_[2];
#endif
};

} // namespace fovea
