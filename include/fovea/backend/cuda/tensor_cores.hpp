// Products of matrices in 16 bits, summed in float32, by a warp: 16 pixels x 8 outputs at a time, over steps of 16
// inputs. On a GPU the tensor cores multiply (PTX ISA, mma.m16n8k16); on the host each lane sums the same four numbers
// of the result by a loop.
//
// Of what is multiplied a lane has four neighbouring inputs in each step, of pixels `row` and `row` + 8 and of one
// output: which input is which of the sixteen does not matter to a sum as long as both sides agree, and so they are
// read 8 bytes at a time. Of the result it has outputs `output` and `output` + 1 of the same two pixels.
#pragma once
#include "fovea/backend/cuda/numbers.hpp"

namespace fovea {

struct product_lane {
    int lane; // of the warp

    FOVEA_HOST_DEVICE int row() const { return lane / 4; }
    FOVEA_HOST_DEVICE int output() const { return lane % 4 * 2; }
    FOVEA_HOST_DEVICE int input() const { return lane % 4 * 4; }
};

// (Steps, outputs, 16): filters of 1x1 convolutions. The index of input `input` of output `output`.
FOVEA_HOST_DEVICE constexpr int product_filter(int outputs, int output, int input) {
    return (input / 16 * outputs + output) * 16 + input % 16;
}

// A lane's part of 16 pixels of 16 * Steps numbers. Pixels lie at multiples of 8 bytes; null: zeros.
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

    // sum (2 pixels x 2 outputs) += pixels x filters, of the 8 outputs from `first` on; w as product_filter says.
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
