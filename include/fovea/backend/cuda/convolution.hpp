// y = f(conv(x, w) + b) + skip, or * skip for a gated convolution; for every kernel size, stride, dilation, offset and
// number of groups. Sums are in float32; tensors may have any format.
//
// An implicit matrix product, whose left matrix is gathered from the image: a block computes 128 pixels x `Outputs`
// channels of a group and sums `slice` products at a time over taps and inputs. The order of a pixel's sum does not
// depend on where its block begins.
#pragma once
#include "fovea/backend/cuda/activation.hpp"
#include "fovea/backend/cuda/view.hpp"
#include "fovea/ops/gradient_kernel.hpp"

namespace fovea {

// The arguments of a convolution.
struct convolution_problem {
    device_view x, skip, y; // (N,H,W,I), (N,H',W',O) or absent, (N,H',W',O)
    device_numbers w;       // (O, taps, I/groups)
    const float* b;         // (O) or null
    int inputs, outputs;    // channels of one group
    int groups, kernel, stride, dilation, offset;
    int divide = 1;     // transposed stride: only source positions that are multiples of it exist (in gradients)
    bool gated = false; // multiplies by skip instead of adding it
    device_activation activation{};
    device_area area;

    explicit convolution_problem(const call& c)
        : x(c.x[0]),
          skip(c.x[1]),
          y(c.y),
          w(filters(c.w[0], c.x[0].format)),
          b(c.weight<float>(1)),
          inputs(c.dims[1]),
          outputs(c.dims[0] / c.a.groups),
          groups(c.a.groups),
          kernel(c.a.kernel),
          stride(c.a.stride),
          dilation(c.a.dilation),
          offset(c.a.offset),
          activation{c.a.activation, c.a.slope},
          area(c) {}

    // The gradient of the input: a convolution from outputs to inputs with rotated filters (backend/cuda/filters.hpp).
    explicit convolution_problem(const gradient_call& c)
        : x(c.dy),
          skip(c.accumulates[0] ? c.dx[0] : window{}),
          y(c.dx[0]),
          w(filters(c.arranged, c.dy.format)),
          b(nullptr),
          inputs(c.dims[0] / c.a.groups),
          outputs(c.dims[1]),
          groups(c.a.groups),
          kernel(c.a.kernel),
          stride(1),
          dilation(c.a.dilation),
          offset(-c.a.offset),
          divide(c.a.stride),
          area(c) {}

    // Filters as backend/cuda/filters.hpp arranges them, in the format of the tensor with which they are multiplied.
    static device_numbers filters(const void* at, number_format f) {
        return {static_cast<std::byte*>(const_cast<void*>(at)), f};
    }

    // The input row (or column) of tap `t` for output row (or column) `at`, before division by the transposed stride.
    FOVEA_HOST_DEVICE int source(int at, int t) const { return at * stride + offset + (t - kernel / 2) * dilation; }
    // Finds the input pixel of a tap; returns false if there is none.
    FOVEA_HOST_DEVICE bool locate(pixel_position p, int tap, int& v, int& u) const {
        v = source(p.row, tap / kernel), u = source(p.column, tap % kernel);
        if (divide > 1) {
            if (v % divide != 0 || u % divide != 0) return false;
            v /= divide, u /= divide;
        }
        return x.inside(v, u);
    }
    FOVEA_HOST_DEVICE void finish(pixel_position p, int channel, float sum) const {
        y.put(p, channel, finished(sum, channel, skip ? skip.get(p, channel) : 0));
    }
    FOVEA_HOST_DEVICE float finished(float sum, int channel, float beside) const {
        const float v = activation(sum + (b ? b[channel] : 0));
        return gated ? v * beside : v + beside;
    }
};

template <int Outputs> struct convolution_kernel {
    static constexpr int threads = 256, pixels = 128, slice = 8;
    static constexpr int lanes = 16; // threads along each side of the tile
    static constexpr int own_pixels = pixels / lanes, own_outputs = Outputs / lanes;
    static constexpr int loads = pixels * slice / threads; // numbers of x that a thread loads for a slice

    struct shared {
        alignas(16) float x[slice][pixels + 4]; // padding against bank conflicts
        alignas(16) float w[slice][Outputs + 4];
    };
    struct own {
        float sum[own_pixels][own_outputs];
        pixel_position position[loads]; // of the pixels that the thread loads; image -1: none
    };

    convolution_problem of;
    int terms, tiles_of_outputs;

    template <class Call>
    explicit convolution_kernel(const Call& c)
        : of(c), terms(of.kernel * of.kernel * of.inputs), tiles_of_outputs((of.outputs + Outputs - 1) / Outputs) {}

    int blocks() const {
        return blocks_for(std::ptrdiff_t(blocks_for(of.area.pixels(), pixels)) * of.groups * tiles_of_outputs, 1);
    }
    FOVEA_HOST_DEVICE int phases() const { return 2 * ((terms + slice - 1) / slice); }
    FOVEA_HOST_DEVICE void operator()(int phase, int block, int thread, shared& s, own& o) const {
        const int tile = block % tiles_of_outputs, group = block / tiles_of_outputs % of.groups;
        const int first_pixel = block / (tiles_of_outputs * of.groups) * pixels;
        if (phase == 0) begin(first_pixel, thread, o);
        if (phase % 2 == 0) {
            load_inputs(phase / 2 * slice, group, thread, s, o);
            load_filters(phase / 2 * slice, group, tile * Outputs, thread, s);
        } else {
            multiply(thread, s, o);
            if (phase + 1 == phases()) finish(first_pixel, group, tile * Outputs, thread, o);
        }
    }

  private:
    FOVEA_HOST_DEVICE void begin(int first_pixel, int thread, own& o) const {
        for (auto& row : o.sum)
            for (float& sum : row) sum = 0;
        for (int j = 0; j < loads; ++j) {
            const int pixel = first_pixel + thread / slice + j * (threads / slice);
            o.position[j] =
                pixel < of.area.images * of.area.rows * of.area.columns ? of.area.at(pixel) : pixel_position{-1, 0, 0};
        }
    }

    FOVEA_HOST_DEVICE void load_inputs(int first_term, int group, int thread, shared& s, const own& o) const {
        const int term = first_term + thread % slice, tap = term / of.inputs, channel = term % of.inputs;
        for (int j = 0; j < loads; ++j) {
            const pixel_position p = o.position[j];
            int v = 0, u = 0;
            const bool there = term < terms && p.image >= 0 && of.locate(p, tap, v, u);
            s.x[thread % slice][thread / slice + j * (threads / slice)] =
                there ? of.x.get({p.image, v, u}, group * of.inputs + channel) : 0;
        }
    }

    FOVEA_HOST_DEVICE void load_filters(int first_term, int group, int first_output, int thread, shared& s) const {
        for (int i = thread; i < slice * Outputs; i += threads) {
            const int term = first_term + i % slice, output = first_output + i / slice;
            const bool there = term < terms && output < of.outputs;
            s.w[i % slice][i / slice] = there ? of.w[(std::ptrdiff_t(group) * of.outputs + output) * terms + term] : 0;
        }
    }

    FOVEA_HOST_DEVICE void multiply(int thread, const shared& s, own& o) const {
        const int first_pixel = thread / lanes * own_pixels, first_output = thread % lanes * own_outputs;
        FOVEA_UNROLL
        for (int k = 0; k < slice; ++k) {
            FOVEA_UNROLL
            for (int p = 0; p < own_pixels; ++p) {
                FOVEA_UNROLL
                for (int q = 0; q < own_outputs; ++q) o.sum[p][q] += s.x[k][first_pixel + p] * s.w[k][first_output + q];
            }
        }
    }

    FOVEA_HOST_DEVICE void finish(int first_pixel, int group, int first_output, int thread, const own& o) const {
        FOVEA_UNROLL
        for (int p = 0; p < own_pixels; ++p) {
            const int pixel = first_pixel + thread / lanes * own_pixels + p;
            if (pixel >= of.area.images * of.area.rows * of.area.columns) return;
            const pixel_position at = of.area.at(pixel);
            FOVEA_UNROLL
            for (int q = 0; q < own_outputs; ++q) {
                const int output = first_output + thread % lanes * own_outputs + q;
                if (output < of.outputs) of.finish(at, group * of.outputs + output, o.sum[p][q]);
            }
        }
    }
};

} // namespace fovea
