// Scales of tensors, and the receptive fields of operations.
#pragma once
#include <numeric>

#include "fovea/ops/kernel.hpp"

namespace fovea {

// The scale of a tensor: its pixels for each pixel of the network's input, along one axis. 0: the tensor has one pixel,
// whatever the size of the image.
struct ratio {
    int num = 1, den = 1;
    constexpr ratio() = default;
    constexpr ratio(int n, int d = 1) : num(n / gcd(n, d)), den(d / gcd(n, d)) {}
    constexpr bool operator==(const ratio&) const = default;
    friend constexpr ratio operator*(ratio a, ratio b) { return {a.num * b.num, a.den * b.den}; }

  private:
    static constexpr int gcd(int a, int b) { return std::max(std::gcd(a, b), 1); }
};

// Returns a / b rounded down; b > 0.
constexpr int floor_div(int a, int b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

// The receptive field of one operation along one axis: which rows (or columns) of its first input it reads for given
// rows of its output, and how many rows its output has.
struct footprint {
    int magnify = 1, stride = 1; // upsampling factor and stride; one of them is 1
    int radius = 0;              // input pixels that are read on either side of the centre
    int offset = 0;              // the input pixel at the centre of the first output
    int end = 0;                 // input pixels that there are at least behind the centre of the last output
    bool whole = false;          // reads the whole image and gives one pixel
    int grain = 1;               // output pixels are computed in runs of `grain`, which begin at multiples of it

    // Returns whether each output pixel is made of the input pixel at the same place only.
    constexpr bool own_pixel() const {
        return magnify == 1 && stride == 1 && radius == 0 && offset == 0 && end == 0 && grain == 1 && !whole;
    }
    // The rows of all runs that the rows `out` are part of.
    constexpr range grains(range out) const {
        return {floor_div(out.begin, grain) * grain, floor_div(out.end + grain - 1, grain) * grain};
    }
    constexpr range operator()(range out, int extent_in) const {
        if (out.empty()) return {};
        if (whole) return {0, extent_in};
        out = grains(out);
        return {floor_div(out.begin, magnify) * stride + offset - radius,
                floor_div(out.end - 1, magnify) * stride + offset + radius + 1};
    }
    // Rows of the output for `in` rows of the input; 0: the input is too small.
    constexpr int extent(int in) const {
        return whole ? 1 : magnify > 1 ? in * magnify : std::max(0, floor_div(in - 1 - offset - end, stride) + 1);
    }
};

} // namespace fovea
