// Gradients of a convolution's weights; that of its input is a convolution (backend/cuda/convolution.hpp).
#pragma once
#include "fovea/backend/cuda/channel_sums.hpp"
#include "fovea/backend/cuda/convolution.hpp"

namespace fovea {

// dw[o, i, tap] += sum over pixels of dy[o] x[i at the tap]: a block has a tile of outputs and inputs of one group and
// tap, and sums all pixels of the call in their order.
struct weight_gradient_kernel {
    static constexpr int threads = 256, tile = 64, slice = 8, lanes = 16, each = tile / lanes;
    struct shared {
        alignas(16) float dy[slice][tile], x[slice][tile];
    };
    struct own {
        float sum[each][each]; // outputs, inputs
    };

    device_view x, dy; // (N,H,W,I), (N,H',W',O)
    float* dw;         // (O, I/groups, K, K), +=
    int inputs, outputs, groups, kernel, stride, dilation, offset, tiles_out, tiles_in;
    int begin, end; // of the outputs that are wanted
    device_area area;

    explicit weight_gradient_kernel(const gradient_call& c)
        : x(c.x[0]),
          dy(c.dy),
          dw(c.weight_gradient<float>(0)),
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
          area(c) {}

    int blocks() const { return blocks_for(std::ptrdiff_t(groups) * kernel * kernel * tiles_out * tiles_in, 1); }
    FOVEA_HOST_DEVICE int pixels() const { return area.images * area.rows * area.columns; }
    FOVEA_HOST_DEVICE int phases() const { return 2 * ((pixels() + slice - 1) / slice); }
    FOVEA_HOST_DEVICE void operator()(int phase, int block, int thread, shared& s, own& o) const {
        const int first_in = block % tiles_in * tile, first_out = block / tiles_in % tiles_out * tile,
                  tap = block / (tiles_in * tiles_out) % (kernel * kernel),
                  group = block / (tiles_in * tiles_out * kernel * kernel);
        if (phase == 0)
            for (auto& row : o.sum)
                for (float& sum : row) sum = 0;
        if (phase % 2 == 0) {
            for (int i = thread; i < slice * tile; i += threads)
                load(phase / 2 * slice + i / tile, i / tile, i % tile, group, tap, first_out, first_in, s);
        } else {
            multiply(thread, s, o);
            if (phase + 1 == phases()) finish(thread, group, tap, first_out, first_in, o);
        }
    }

  private:
    FOVEA_HOST_DEVICE void load(int pixel, int k, int lane, int group, int tap, int first_out, int first_in,
                                shared& s) const {
        s.dy[k][lane] = s.x[k][lane] = 0;
        if (pixel >= pixels()) return;
        const pixel_position p = area.at(pixel);
        const int output = first_out + lane, input = first_in + lane;
        if (output < outputs) s.dy[k][lane] = dy.at(p.image, p.row, p.column)[group * outputs + output];
        const int v = p.row * stride + offset + (tap / kernel - kernel / 2) * dilation,
                  u = p.column * stride + offset + (tap % kernel - kernel / 2) * dilation;
        if (input < inputs && x.inside(v, u)) s.x[k][lane] = x.at(p.image, v, u)[group * inputs + input];
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
    FOVEA_HOST_DEVICE void finish(int thread, int group, int tap, int first_out, int first_in, const own& o) const {
        FOVEA_UNROLL
        for (int p = 0; p < each; ++p) {
            FOVEA_UNROLL
            for (int q = 0; q < each; ++q) {
                const int output = first_out + thread / lanes * each + p, input = first_in + thread % lanes * each + q,
                          all = group * outputs + output;
                if (output < outputs && input < inputs && all >= begin && all < end)
                    dw[(std::ptrdiff_t(all) * inputs + input) * kernel * kernel + tap] += o.sum[p][q];
            }
        }
    }
};

// Depthwise: sums for each channel and tap.
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
        if (x.inside(v, u)) sum[0] += double(dy.at(p.image, p.row, p.column)[c]) * double(x.at(p.image, v, u)[c]);
    }
    FOVEA_HOST_DEVICE void put(int tap, int c, const double (&sum)[1]) const {
        dw[c * kernel * kernel + tap] += float(sum[0]);
    }
};

} // namespace fovea
