// Numbers in a GPU's memory, of a format that is known when the kernel runs: a branch that all threads take alike, and
// not a kernel for every format. core/half.hpp says what the formats are.
#pragma once
#if defined(__CUDACC__)
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#endif

#include "fovea/core/config.hpp"
#include "fovea/core/half.hpp"

namespace fovea {

namespace detail {

FOVEA_HOST_DEVICE inline float widened(number_format f, std::uint16_t bits) {
#if defined(__CUDA_ARCH__)
    return f == number_format::bfloat16 ? __uint_as_float(unsigned(bits) << 16) : __half2float(__ushort_as_half(bits));
#else
    return float_from_16_bits(f, bits);
#endif
}
FOVEA_HOST_DEVICE inline std::uint16_t narrowed(number_format f, float value) {
#if defined(__CUDA_ARCH__)
    return f == number_format::bfloat16 ? __bfloat16_as_ushort(__float2bfloat16_rn(value))
                                        : __half_as_ushort(__float2half_rn(value));
#else
    return float_to_16_bits(f, value);
#endif
}

} // namespace detail

// As many as one access moves.
struct alignas(16) four_numbers {
    float v[4];
};

struct device_numbers {
    std::byte* data = nullptr;
    number_format format = number_format::float32;

    FOVEA_HOST_DEVICE float operator[](std::ptrdiff_t i) const {
        return format == number_format::float32
                   ? reinterpret_cast<const float*>(data)[i]
                   : detail::widened(format, reinterpret_cast<const std::uint16_t*>(data)[i]);
    }
    FOVEA_HOST_DEVICE void put(std::ptrdiff_t i, float v) const {
        if (format == number_format::float32)
            reinterpret_cast<float*>(data)[i] = v;
        else
            reinterpret_cast<std::uint16_t*>(data)[i] = detail::narrowed(format, v);
    }
    // Four at once: i is a multiple of four, data lies at a multiple of their bytes.
    FOVEA_HOST_DEVICE four_numbers four(std::ptrdiff_t i) const {
        if (format == number_format::float32) return reinterpret_cast<const four_numbers*>(data)[i / 4];
        const four_halves from = reinterpret_cast<const four_halves*>(data)[i / 4];
        four_numbers to;
        FOVEA_UNROLL
        for (int k = 0; k < 4; ++k) to.v[k] = detail::widened(format, from.bits[k]);
        return to;
    }
    FOVEA_HOST_DEVICE void put_four(std::ptrdiff_t i, const four_numbers& from) const {
        if (format == number_format::float32) {
            reinterpret_cast<four_numbers*>(data)[i / 4] = from;
            return;
        }
        four_halves to;
        FOVEA_UNROLL
        for (int k = 0; k < 4; ++k) to.bits[k] = detail::narrowed(format, from.v[k]);
        reinterpret_cast<four_halves*>(data)[i / 4] = to;
    }
    // As it would be read again.
    FOVEA_HOST_DEVICE float rounded(float v) const {
        return format == number_format::float32 ? v : detail::widened(format, detail::narrowed(format, v));
    }
    FOVEA_HOST_DEVICE device_numbers operator+(std::ptrdiff_t i) const {
        return {data + i * (format == number_format::float32 ? 4 : 2), format};
    }

  private:
    struct alignas(8) four_halves {
        std::uint16_t bits[4];
    };
};

} // namespace fovea
