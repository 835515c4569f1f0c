// Sums over the threads of a block in double and in a fixed order: each thread writes its number, 16 threads add 16 of
// them each, and the reader adds those 16 sums. A phase boundary (barrier) must separate the three.
#pragma once
#include "fovea/backend/cuda/blocks.hpp"

namespace fovea {

template <int Sums> struct block_sums {
    static constexpr int threads = 256, groups = 16;
    double of_thread[Sums][threads], of_group[Sums][groups];

    FOVEA_HOST_DEVICE void fold(int thread) {
        if (thread >= groups) return;
        for (int k = 0; k < Sums; ++k) {
            double sum = 0;
            for (int i = 0; i < threads / groups; ++i) sum += of_thread[k][thread * (threads / groups) + i];
            of_group[k][thread] = sum;
        }
    }
    FOVEA_HOST_DEVICE double total(int k) const {
        double sum = 0;
        for (double part : of_group[k]) sum += part;
        return sum;
    }
};

// *to += weight * (sum of the numbers).
struct add_numbers {
    static constexpr int threads = 256;
    using shared = block_sums<1>;
    using own = nothing_kept;

    const double* from; // (count)
    int count;
    double weight;
    double* to;

    static int blocks() { return 1; }
    FOVEA_HOST_DEVICE int phases() const { return 3; }
    FOVEA_HOST_DEVICE void operator()(int phase, int, int thread, shared& s, own&) const {
        if (phase == 0) {
            double sum = 0;
            for (int i = thread; i < count; i += threads) sum += from[i];
            s.of_thread[0][thread] = sum;
        } else if (phase == 1)
            s.fold(thread);
        else if (thread == 0)
            *to += weight * s.total(0);
    }
};

} // namespace fovea
