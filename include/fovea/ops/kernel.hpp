// The contract between operations and kernels: what a kernel is given and what it must do. Every backend implements it.
//
// A kernel computes the pixels images x rows x cols of y, all inside y's image, and writes nothing else. It runs on one
// thread; the executor splits an operation into such calls. Every pixel of x that the operation's footprint names is
// present: with its value inside the image, as zero outside it.
// A window keeps some rows in a ring and some columns, addressed by coordinates of its image. So one kernel serves
// whole images, tiles and row streams without knowing which. The result of a pixel must depend only on the values that
// it reads, never on where a call begins or ends; tiling is exact because of that.
// Windows hold float32, except for kernels that accept 16 bits (operation::takes_16_bits).
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>

#include "fovea/core/half.hpp"
#include "fovea/core/interpolation.hpp"

namespace fovea {

// Half-open interval of rows, columns or images.
struct range {
    int begin = 0, end = 0;
    // Emptiness, length, the part inside [0, n), and the smallest range that holds both.
    constexpr bool empty() const { return end <= begin; }
    constexpr int size() const { return end > begin ? end - begin : 0; }
    constexpr range clip(int n) const { return {std::max(begin, 0), std::min(end, n)}; }
    constexpr range join(range o) const {
        return empty() ? o : o.empty() ? *this : range{std::min(begin, o.begin), std::max(end, o.end)};
    }
    constexpr bool operator==(const range&) const = default;
};

using weight_shape = std::array<int, 4>; // (out, in/groups, kernel, kernel), or (n,1,1,1)
// The numbers of a weight of that shape.
constexpr std::size_t count(weight_shape s) {
    return std::size_t(s[0]) * std::size_t(s[1]) * std::size_t(s[2]) * std::size_t(s[3]);
}

// One activation tensor (N,H,W,C) with C contiguous, of which `stored` rows and `columns` columns are in memory.
struct window {
    std::byte* data = nullptr;                       // image 0, ring slot 0, column `left`
    const std::byte* zeros = nullptr;                // one kept row of zeros, for rows outside the image
    int height = 0, width = 0, channels = 0;         // size of the image
    int left = 0, columns = 0, stored = 1;           // kept columns are [left, left + columns); left may be negative
    std::ptrdiff_t row_stride = 0, image_stride = 0; // in elements
    number_format format = number_format::float32;   // float32 or a 16-bit format

    // Returns whether its numbers are bfloat16 or float16.
    constexpr bool in_16_bits() const { return format != number_format::float32; }
    // Pixel (y, x) of image n. y lies inside the image and x in the kept columns.
    template <class T> T* at(int n, int y, int x) const {
        return reinterpret_cast<T*>(data) + n * image_stride + (y % stored) * row_stride +
               std::ptrdiff_t(x - left) * channels;
    }
    // The same for reading; a row y outside the image reads as zeros.
    template <class T> const T* read(int n, int y, int x) const {
        if (y < 0 || y >= height) return reinterpret_cast<const T*>(zeros) + std::ptrdiff_t(x - left) * channels;
        return at<const T>(n, y, x);
    }
    explicit operator bool() const { return data != nullptr; }
};

// Activations that a backend can fuse into the operation before them; `custom` is any other.
enum class activation_kind { identity, relu, leaky_relu, silu, gelu, unit_range, custom };

// How a convolution is computed. A backend resolves `automatic` for each operation when a network is traced; it never
// chooses int8 by itself (graph/quantise.hpp). `library` leaves convolutions in 16 bits and TF32 to a vendor's library
// such as cuDNN where that has a kernel, and is `direct` otherwise.
enum class convolution_method { automatic, direct, winograd, int8, library };

// Affine quantisation of a number x to 8 bits: round(x / step) + zero, clamped to 0...255.
struct quantisation {
    float step = 0;
    int zero = 0;
};
inline constexpr int max_int8_terms = 1 << 16; // terms of a sum: 2^16 products of 255 and 127 fit in 31 bits

// The numbers that an operation is configured by; each operation reads those that it names.
struct attributes {
    int kernel = 1, stride = 1, dilation = 1, groups = 1;
    int offset = 0; // input pixel under the centre of the first output: kernel / 2 * dilation - padding
    int factor = 1; // scale of an upsampling or a pixel shuffle
    int hidden = 0; // channels inside a fused block
    float epsilon = 1e-5f;
    activation_kind activation = activation_kind::identity;
    float slope = 0; // factor of leaky_relu below zero
    interpolation filter = interpolation::bicubic;
    convolution_method method = convolution_method::direct;
    int tile = 4;         // output pixels along a side of Winograd's tile: 4 or 6
    quantisation input{}; // quantisation of the input, for convolution_method::int8
    bool halves = false;  // products in half precision (graph/half_arithmetic.hpp): of a direct convolution,
                          // or of the 1x1 convolutions inside a fused block
};

// The most inputs and weights that an operation can have.
inline constexpr int max_inputs = 2;
inline constexpr int max_weights = 12;

struct call {
    attributes a;
    range images, rows, cols; // pixels of y to compute
    std::array<window, max_inputs> x{};
    window y;
    std::array<const void*, max_weights> w{};
    weight_shape dims{};              // shape of w[0] in the weight file
    const void* statistics = nullptr; // of the batch (ops/gradient_kernel.hpp); null: running estimates are used
    std::byte* scratch = nullptr;     // private to this call, 64-byte aligned, as large as the operation asked for
    void* queue = nullptr;            // the device's queue; all pointers are then device memory. Null on the CPU

    // The numbers of weight i.
    template <class T> const T* weight(int i) const { return static_cast<const T*>(w[std::size_t(i)]); }
};
using kernel = void (*)(const call&);
// Returns the bytes of scratch for a call with these windows, rows and cols; the windows' data may be null.
using scratch_size = std::size_t (*)(const call&);

// Convert `count` numbers from 16 bits to float32 and back, with the rounding of core/half.hpp.
using widening = void (*)(number_format, const std::uint16_t* from, float* to, std::ptrdiff_t count);
using narrowing = void (*)(number_format, const float* from, std::uint16_t* to, std::ptrdiff_t count);

// A preparation makes weights from weights before any pixel is computed: it folds a normalisation, or packs weights
// into a backend's own layout.
struct preparation_call {
    attributes a;
    std::array<const void*, max_weights> w{};
    std::array<weight_shape, max_weights> dims{};
    void* out = nullptr;
    void* queue = nullptr;                         // as in call; null: all pointers are host memory
    number_format format = number_format::float32; // of the result; 16 bits if the backend keeps packed weights so

    // The numbers of weight i.
    template <class T> const T* weight(int i) const { return static_cast<const T*>(w[std::size_t(i)]); }
};
// A function that makes weights from weights.
using preparation_kernel = void (*)(const preparation_call&);
using preparation_size = std::size_t (*)(const preparation_call&); // bytes of the result; the weights may be null

// Calls f(image, row) for every row to compute.
template <class Call, class F> void each_row(const Call& c, F f) {
    for (int n = c.images.begin; n < c.images.end; ++n)
        for (int y = c.rows.begin; y < c.rows.end; ++y) f(n, y);
}
// Calls f(image, row, column) for every pixel to compute.
template <class Call, class F> void each_pixel(const Call& c, F f) {
    each_row(c, [&](int n, int y) {
        for (int x = c.cols.begin; x < c.cols.end; ++x) f(n, y, x);
    });
}

} // namespace fovea
