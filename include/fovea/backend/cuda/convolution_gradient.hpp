// Gradients of a convolution's weights. The gradient of its input is a convolution (backend/cuda/convolution.hpp).
#pragma once
#include <algorithm>

#include "fovea/backend/cuda/channel_sums.hpp"
#include "fovea/backend/cuda/convolution.hpp"

namespace fovea {

// dw[o, i, tap] += sum over pixels of dy[o] x[i at the tap]. A block has a tile of outputs and inputs of one group and
// tap, and sums a part of the pixels in order. The parts depend only on shapes. With several parts each writes its own
// sums, which add_parts adds in order: without parts there would be too few blocks to fill a GPU, and float32 sums of
// millions of products would be inaccurate.
struct weight_gradient_kernel {
    static constexpr int threads = 256, tile = 64, slice = 8, lanes = 16, each = tile / lanes;
    struct shared {
        alignas(16) float dy[slice][tile], x[slice][tile];
    };
    struct own {
        float sum[each][each]; // outputs x inputs
    };

    device_view x, dy; // (N,H,W,I), (N,H',W',O)
    float* dw;         // (O, I/groups, K, K), +=
    float* sums;       // (parts, O, I/groups, K, K), overwritten; null: there is one part, which is added to dw
    int inputs, outputs, groups, kernel, stride, dilation, offset, tiles_out, tiles_in;
    int begin, end; // range of outputs to compute
    device_area area;
    int parts, span; // span: pixels of a part

    explicit weight_gradient_kernel(const gradient_call& c)
        : x(c.x[0]),
          dy(c.dy),
          dw(c.weight_gradient<float>(0)),
          sums(nullptr),
          inputs(c.dims[1]),
          outputs(c.dims[0] / c.a.groups),
          groups(c.a.groups),
          kernel(c.a.kernel),
          stride(c.a.stride),
          dilation(c.a.dilation),
          offset(c.a.offset),
          tiles_out((outputs + tile - 1) / tile),
          tiles_in((inputs + tile - 1) / tile),
          begin(c.outputs.begin),
          end(c.outputs.end),
          area(c),
          parts(parts_for(area.pixels(), count(c.dims))),
          span((area.pixels() + parts * slice - 1) / (parts * slice) * slice) {
        if (parts > 1) sums = reinterpret_cast<float*>(c.scratch);
    }

    // The number of parts for so many pixels and weights: each has a few thousand pixels, and all together at most 32
    // MiB.
    static int parts_for(double pixels, std::size_t weights) {
        constexpr double pixels_of_part = 4096, most = 64, bytes = 32 << 20;
        return int(std::clamp(std::min(pixels / pixels_of_part, bytes / double(weights * sizeof(float))), 1., most));
    }
    static std::size_t scratch_for(double pixels, std::size_t weights) {
        const int parts = parts_for(pixels, weights);
        return parts > 1 ? std::size_t(parts) * weights * sizeof(float) : 0;
    }

    FOVEA_HOST_DEVICE int tiles() const { return groups * kernel * kernel * tiles_out * tiles_in; }
    int blocks() const { return blocks_for(std::ptrdiff_t(parts) * tiles(), 1); }
    FOVEA_HOST_DEVICE int pixels() const { return area.images * area.rows * area.columns; }
    FOVEA_HOST_DEVICE int phases() const { return 2 * ((span + slice - 1) / slice); }
    FOVEA_HOST_DEVICE void operator()(int phase, int all_blocks, int thread, shared& s, own& o) const {
        const int part = all_blocks / tiles(), block = all_blocks % tiles();
        const int first_in = block % tiles_in * tile, first_out = block / tiles_in % tiles_out * tile,
                  tap = block / (tiles_in * tiles_out) % (kernel * kernel),
                  group = block / (tiles_in * tiles_out * kernel * kernel);
        if (phase == 0)
            for (auto& row : o.sum)
                for (float& sum : row) sum = 0;
        if (phase % 2 == 0) {
            for (int i = thread; i < slice * tile; i += threads)
                load(part * span + phase / 2 * slice + i / tile, i / tile, i % tile, group, tap, first_out, first_in,
                     s);
        } else {
            multiply(thread, s, o);
            if (phase + 1 == phases()) finish(part, thread, group, tap, first_out, first_in, o);
        }
    }

  private:
    FOVEA_HOST_DEVICE void load(int pixel, int k, int lane, int group, int tap, int first_out, int first_in,
                                shared& s) const {
        s.dy[k][lane] = s.x[k][lane] = 0;
        if (pixel >= pixels()) return;
        const pixel_position p = area.at(pixel);
        const int output = first_out + lane, input = first_in + lane;
        if (output < outputs) s.dy[k][lane] = dy.get(p, group * outputs + output);
        const int v = p.row * stride + offset + (tap / kernel - kernel / 2) * dilation,
                  u = p.column * stride + offset + (tap % kernel - kernel / 2) * dilation;
        if (input < inputs && x.inside(v, u)) s.x[k][lane] = x.get({p.image, v, u}, group * inputs + input);
    }
    FOVEA_HOST_DEVICE void multiply(int thread, const shared& s, own& o) const {
        const int output = thread / lanes * each, input = thread % lanes * each;
        FOVEA_UNROLL
        for (int k = 0; k < slice; ++k) {
            FOVEA_UNROLL
            for (int p = 0; p < each; ++p) {
                FOVEA_UNROLL
                for (int q = 0; q < each; ++q) o.sum[p][q] += s.dy[k][output + p] * s.x[k][input + q];
            }
        }
    }
    FOVEA_HOST_DEVICE void finish(int part, int thread, int group, int tap, int first_out, int first_in,
                                  const own& o) const {
        const int taps = kernel * kernel, weights = groups * outputs * inputs * taps;
        float* const to = (sums ? sums + std::ptrdiff_t(part) * weights : dw) + tap;
        FOVEA_UNROLL
        for (int p = 0; p < each; ++p) {
            FOVEA_UNROLL
            for (int q = 0; q < each; ++q) {
                const int output = first_out + thread / lanes * each + p, input = first_in + thread % lanes * each + q,
                          all = group * outputs + output, i = (all * inputs + input) * taps;
                if (output < outputs && input < inputs && all >= begin && all < end)
                    to[i] = (sums ? 0 : to[i]) + o.sum[p][q];
            }
        }
    }
};

// dw += the sums of all parts, for the outputs to compute.
struct add_parts {
    static constexpr int threads = 256;
    using shared = nothing_kept;
    using own = nothing_kept;

    const float* sums; // (parts, weights)
    float* dw;         // (weights)
    int parts;
    std::ptrdiff_t weights, begin, end;

    explicit add_parts(const weight_gradient_kernel& k)
        : sums(k.sums),
          dw(k.dw),
          parts(k.parts),
          weights(std::ptrdiff_t(k.groups) * k.outputs * k.inputs * k.kernel * k.kernel),
          begin(weights / (k.groups * k.outputs) * k.begin),
          end(weights / (k.groups * k.outputs) * k.end) {}

    int blocks() const { return blocks_for(end - begin, threads); }
    FOVEA_HOST_DEVICE int phases() const { return 1; }
    FOVEA_HOST_DEVICE void operator()(int, int block, int thread, shared&, own&) const {
        const std::ptrdiff_t i = begin + std::ptrdiff_t(block) * threads + thread;
        if (i >= end) return;
        double sum = 0;
        for (int part = 0; part < parts; ++part) sum += double(sums[part * weights + i]);
        dw[i] += float(sum);
    }
};

// dw += a gradient (O,K,K,I/groups) in the layout of a library. A bias gradient has one input and one tap.
struct add_filters {
    static constexpr int threads = 256;
    using shared = nothing_kept;
    using own = nothing_kept;

    device_numbers from;
    float* dw; // (O, I/groups, K, K)
    int outputs, inputs, taps;

    add_filters(std::byte* gradient, number_format format, float* to, const weight_shape& dims)
        : from{gradient, format}, dw(to), outputs(dims[0]), inputs(dims[1]), taps(dims[2] * dims[3]) {}

    int blocks() const { return blocks_for(std::ptrdiff_t(outputs) * inputs * taps, threads); }
    FOVEA_HOST_DEVICE int phases() const { return 1; }
    FOVEA_HOST_DEVICE void operator()(int, int block, int thread, shared&, own&) const {
        const int i = block * threads + thread, tap = i % taps, input = i / taps % inputs, output = i / (taps * inputs);
        if (output < outputs) dw[i] += from[(output * taps + tap) * inputs + input];
    }
};

// Depthwise convolution: a sum for each channel and tap.
struct depthwise_weight_gradient {
    static constexpr int sums = 1;
    device_view x, dy; // (N,H,W,C), (N,H',W',C)
    float* dw;         // (C, 1, K, K), +=
    int kernel, stride, dilation, offset;

    explicit depthwise_weight_gradient(const gradient_call& c)
        : x(c.x[0]),
          dy(c.dy),
          dw(c.weight_gradient<float>(0)),
          kernel(c.a.kernel),
          stride(c.a.stride),
          dilation(c.a.dilation),
          offset(c.a.offset) {}
    FOVEA_HOST_DEVICE void add(int tap, pixel_position p, int c, double (&sum)[1]) const {
        const int v = p.row * stride + offset + (tap / kernel - kernel / 2) * dilation,
                  u = p.column * stride + offset + (tap % kernel - kernel / 2) * dilation;
        if (x.inside(v, u)) sum[0] += double(dy.get(p, c)) * double(x.get({p.image, v, u}, c));
    }
    FOVEA_HOST_DEVICE void put(int tap, int c, const double (&sum)[1]) const {
        dw[c * kernel * kernel + tap] += float(sum[0]);
    }
};

} // namespace fovea
