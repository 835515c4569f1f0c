// Numbers in GPU memory whose format is known only at run time: a uniform branch instead of a kernel for every format.
// core/half.hpp defines the formats.
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

// Groups of numbers that are moved by one memory access.
struct alignas(16) four_numbers {
    float v[4];
};
struct alignas(8) two_numbers {
    float v[2];
};
struct alignas(4) two_halves { // two neighbouring 16-bit numbers
    std::uint16_t bits[2];
};

// Conversion with a format that is known at compile time, for inner loops.
template <number_format Format> FOVEA_HOST_DEVICE two_numbers widened(two_halves x) {
    return {{detail::widened(Format, x.bits[0]), detail::widened(Format, x.bits[1])}};
}
template <number_format Format> FOVEA_HOST_DEVICE two_halves narrowed(two_numbers x) {
    return {{detail::narrowed(Format, x.v[0]), detail::narrowed(Format, x.v[1])}};
}

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
    // Reads four numbers at once; i is a multiple of four and data is aligned to four numbers.
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
    // Reads two numbers at once; i is even and data is aligned to two numbers.
    FOVEA_HOST_DEVICE two_numbers two(std::ptrdiff_t i) const {
        if (format == number_format::float32) return reinterpret_cast<const two_numbers*>(data)[i / 2];
        const two_halves from = reinterpret_cast<const two_halves*>(data)[i / 2];
        return {{detail::widened(format, from.bits[0]), detail::widened(format, from.bits[1])}};
    }
    FOVEA_HOST_DEVICE void put_two(std::ptrdiff_t i, two_numbers from) const {
        if (format == number_format::float32)
            reinterpret_cast<two_numbers*>(data)[i / 2] = from;
        else
            reinterpret_cast<two_halves*>(data)[i / 2] = {
                {detail::narrowed(format, from.v[0]), detail::narrowed(format, from.v[1])}};
    }
    // Returns v rounded to the format.
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
