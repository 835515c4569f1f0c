// The contract between operations and kernels: what a kernel is given and what it must do. Every backend depends on it.
//
// A kernel computes the pixels images x rows x cols of y, all inside y's image, and writes nothing else. It runs on one
// thread; the executor splits an operation into such calls. Of x, every pixel that the operation's footprint names is
// present: inside the image with its value, outside it as zeros. A window keeps a part of the rows in a ring and a part
// of the columns, in absolute coordinates of its own image, so that one kernel serves whole images, tiles and streams
// and cannot tell which. The result of a pixel must depend on nothing but the values that it reads: not on where a call
// begins or ends. Windows hold float32, but for a kernel that says that it takes 16 bits (operation::takes_16_bits).
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
    constexpr bool empty() const { return end <= begin; }
    constexpr int size() const { return end > begin ? end - begin : 0; }
    constexpr range clip(int n) const { return {std::max(begin, 0), std::min(end, n)}; }
    constexpr range join(range o) const {
        return empty() ? o : o.empty() ? *this : range{std::min(begin, o.begin), std::max(end, o.end)};
    }
    constexpr bool operator==(const range&) const = default;
};

using weight_shape = std::array<int, 4>; // of a weight: (out, in/groups, kernel, kernel), or (n,1,1,1)
constexpr std::size_t count(weight_shape s) {
    return std::size_t(s[0]) * std::size_t(s[1]) * std::size_t(s[2]) * std::size_t(s[3]);
}

// One activation tensor, (N,H,W,C) with C contiguous, of which `stored` rows and `columns` columns are kept.
struct window {
    std::byte* data = nullptr;                       // image 0, ring slot 0, column `left`
    const std::byte* zeros = nullptr;                // one kept row of zeros, for rows outside the image
    int height = 0, width = 0, channels = 0;         // of the image
    int left = 0, columns = 0, stored = 1;           // kept columns are [left, left + columns); left may be negative
    std::ptrdiff_t row_stride = 0, image_stride = 0; // in elements
    number_format format = number_format::float32;   // float32 or 16 bits, in inference

    constexpr bool in_16_bits() const { return format != number_format::float32; }
    // Pixel (y, x) of image n. y lies inside the image and x in the kept columns.
    template <class T> T* at(int n, int y, int x) const {
        return reinterpret_cast<T*>(data) + n * image_stride + (y % stored) * row_stride +
               std::ptrdiff_t(x - left) * channels;
    }
    // The same for reading, where y may lie outside the image: zeros.
    template <class T> const T* read(int n, int y, int x) const {
        if (y < 0 || y >= height) return reinterpret_cast<const T*>(zeros) + std::ptrdiff_t(x - left) * channels;
        return at<const T>(n, y, x);
    }
    explicit operator bool() const { return data != nullptr; }
};

// Activations that a backend can fuse into the operation before; `custom` is anything else.
enum class activation_kind { identity, relu, leaky_relu, silu, gelu, unit_range, custom };

// How a convolution is computed. A backend resolves `automatic` for each operation when a network is traced; int8 is
// never chosen by itself, see graph/quantise.hpp. library: as direct, but where numbers are rounded anyway by another
// library that has it.
enum class convolution_method { automatic, direct, winograd, int8, library };

// A number x of a tensor in 8 bits: round(x / step) + zero, clamped to 0...255.
struct quantisation {
    float step = 0;
    int zero = 0;
};
inline constexpr int max_int8_terms = 1 << 16; // of a sum: 2^16 products of 255 and 127 fit 31 bits

struct attributes {
    int kernel = 1, stride = 1, dilation = 1, groups = 1;
    int offset = 0; // of the input pixel that the first output is centred on: kernel / 2 * dilation less the padding
    int factor = 1; // of a magnification or a pixel shuffle
    int hidden = 0; // channels inside a fused block
    float epsilon = 1e-5f;
    activation_kind activation = activation_kind::identity;
    float slope = 0; // of leaky_relu below zero
    interpolation filter = interpolation::bicubic;
    convolution_method method = convolution_method::direct;
    int tile = 4;         // of Winograd: output pixels along a side, 4 or 6
    quantisation input{}; // of convolution_method::int8
    bool halves = false;  // multiplies in half precision (graph/half_arithmetic.hpp): a direct convolution, or the 1x1
                          // ones inside a fused block
};

inline constexpr int max_inputs = 2;
inline constexpr int max_weights = 12;

struct call {
    attributes a;
    range images, rows, cols; // to compute, of y
    std::array<window, max_inputs> x{};
    window y;
    std::array<const void*, max_weights> w{};
    weight_shape dims{};              // of w[0], as in the weight file
    const void* statistics = nullptr; // of the batch (ops/gradient_kernel.hpp); null: as in inference
    std::byte* scratch = nullptr;     // private to this call, 64-byte aligned, as large as the operation asked for
    void* queue = nullptr;            // of a device: where the kernel is put; everything above is in its memory

    template <class T> const T* weight(int i) const { return static_cast<const T*>(w[std::size_t(i)]); }
};
using kernel = void (*)(const call&);
using scratch_size =
    std::size_t (*)(const call&); // bytes for a call with these windows, rows and cols; data may be null

// `count` numbers from 16 bits to float32 and back, as core/half.hpp says.
using widening = void (*)(number_format, const std::uint16_t* from, float* to, std::ptrdiff_t count);
using narrowing = void (*)(number_format, const float* from, std::uint16_t* to, std::ptrdiff_t count);

// Weights to weights, before any pixel is seen: folding a normalisation, packing into a backend's own layout.
struct preparation_call {
    attributes a;
    std::array<const void*, max_weights> w{};
    std::array<weight_shape, max_weights> dims{};
    void* out = nullptr;
    void* queue = nullptr;                         // of a device, as in call; null: everything is in the host's memory
    number_format format = number_format::float32; // of the result, where the backend keeps arrangements in 16 bits

    template <class T> const T* weight(int i) const { return static_cast<const T*>(w[std::size_t(i)]); }
};
using preparation_kernel = void (*)(const preparation_call&);
using preparation_size = std::size_t (*)(const preparation_call&); // bytes of the result; weights may be null

// f(image, row) for every row to compute.
template <class Call, class F> void each_row(const Call& c, F f) {
    for (int n = c.images.begin; n < c.images.end; ++n)
        for (int y = c.rows.begin; y < c.rows.end; ++y) f(n, y);
}
// f(image, row, column) for every pixel to compute.
template <class Call, class F> void each_pixel(const Call& c, F f) {
    each_row(c, [&](int n, int y) {
        for (int x = c.cols.begin; x < c.cols.end; ++x) f(n, y, x);
    });
}

} // namespace fovea
