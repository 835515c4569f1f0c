// Sums of what the threads of a block have, in double and in one order: each puts its number, 16 threads add 16 of them
// each, and then whoever wants it adds those. A phase lies between each two.
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

} // namespace fovea
