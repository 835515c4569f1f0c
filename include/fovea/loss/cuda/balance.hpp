// Kernels for two losses that count in proportion to their own values (detached_ratio), as those of an upscaler that
// learns against a critic.
#pragma once
#include "fovea/backend/cuda/value_kernel.hpp"
#include "fovea/loss/weighted_sum.hpp"

namespace fovea {

// dy = weight (dy / |own| + dx / |heard|). The divisors count as constants; they are means over the processes, computed
// from the sums *own and *heard.
struct balance_gradients {
    device_view dy, dx; // (N,H,W,C)
    const double *own, *heard;
    double weight, processes;
    FOVEA_HOST_DEVICE void operator()(pixel_position p, int c) const {
        const double to = double(dy.get(p, c)), from = double(dx.get(p, c));
        dy.put(
            p, c,
            float(weight * detached_ratio(*own / processes) * to + weight * detached_ratio(*heard / processes) * from));
    }
};
// *loss += weight * own, with the mean of own over the processes. If own or heard is not finite, adds a value that is
// not finite.
struct report_balance {
    static constexpr int threads = 1;
    using shared = nothing_kept;
    using own = nothing_kept;

    const double *of_own, *heard;
    double weight, processes;
    double* loss;

    static int blocks() { return 1; }
    FOVEA_HOST_DEVICE int phases() const { return 1; }
    FOVEA_HOST_DEVICE void operator()(int, int, int, shared&, own&) const {
        const double both = *of_own + *heard;
        *loss += weight * (fabs(both) < HUGE_VAL ? *of_own / processes : both);
    }
};

} // namespace fovea
