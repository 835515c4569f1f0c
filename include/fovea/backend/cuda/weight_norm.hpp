// Weight normalisation, w = g v / |v|, where |v| is the norm of an output's filter, and its gradients:
//
//   dg = dw . v / |v|,   dv = g / |v| (dw - v (dw . v) / |v|^2)
//
// Each block handles a filter; sums are in double.
#pragma once
#include <cmath>

#include "fovea/backend/cuda/block_sums.hpp"
#include "fovea/ops/gradient_kernel.hpp"

namespace fovea {

struct normalise_weight_kernel {
    static constexpr int threads = 256;
    using shared = block_sums<1>;
    using own = nothing_kept;

    const float *v, *g; // (O, each), (O)
    float* w;           // (O, each)
    int outputs, each;

    explicit normalise_weight_kernel(const preparation_call& c)
        : v(c.weight<float>(0)),
          g(c.weight<float>(1)),
          w(static_cast<float*>(c.out)),
          outputs(c.dims[0][0]),
          each(int(count(c.dims[0])) / outputs) {}

    int blocks() const { return outputs; }
    FOVEA_HOST_DEVICE int phases() const { return 3; }
    FOVEA_HOST_DEVICE void operator()(int phase, int block, int thread, shared& s, own&) const {
        const float* of = v + std::ptrdiff_t(block) * each;
        if (phase == 0) {
            double square = 0;
            for (int i = thread; i < each; i += threads) square += double(of[i]) * double(of[i]);
            s.of_thread[0][thread] = square;
        } else if (phase == 1)
            s.fold(thread);
        else {
            const double scale = double(g[block]) / sqrt(s.total(0));
            for (int i = thread; i < each; i += threads)
                w[std::ptrdiff_t(block) * each + i] = float(double(of[i]) * scale);
        }
    }
};

struct normalised_weight_gradient {
    static constexpr int threads = 256;
    using shared = block_sums<2>;
    using own = nothing_kept;

    const float *v, *g, *dw; // (O, each), (O), (O, each)
    float *dv, *dg;          // +=
    int outputs, each;

    explicit normalised_weight_gradient(const preparation_gradient_call& c)
        : v(c.forward.weight<float>(0)),
          g(c.forward.weight<float>(1)),
          dw(static_cast<const float*>(c.dout)),
          dv(static_cast<float*>(c.dw[0])),
          dg(static_cast<float*>(c.dw[1])),
          outputs(c.forward.dims[0][0]),
          each(int(count(c.forward.dims[0])) / outputs) {}

    int blocks() const { return outputs; }
    FOVEA_HOST_DEVICE int phases() const { return 3; }
    FOVEA_HOST_DEVICE void operator()(int phase, int block, int thread, shared& s, own&) const {
        const std::ptrdiff_t first = std::ptrdiff_t(block) * each;
        if (phase == 0) {
            double square = 0, product = 0;
            for (int i = thread; i < each; i += threads) {
                const double value = double(v[first + i]);
                square += value * value, product += value * double(dw[first + i]);
            }
            s.of_thread[0][thread] = square, s.of_thread[1][thread] = product;
        } else if (phase == 1)
            s.fold(thread);
        else
            finish(first, block, thread, s.total(0), s.total(1));
    }

  private:
    FOVEA_HOST_DEVICE void finish(std::ptrdiff_t first, int block, int thread, double square, double product) const {
        const double norm = sqrt(square), scale = double(g[block]) / norm, along = product / square;
        if (thread == 0) dg[block] += float(product / norm);
        for (int i = thread; i < each; i += threads)
            dv[first + i] += float(scale * (double(dw[first + i]) - double(v[first + i]) * along));
    }
};

} // namespace fovea
