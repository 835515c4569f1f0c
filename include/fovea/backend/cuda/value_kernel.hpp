// The kernel of element-wise operations: one thread for each number calls f(position, channel).
#pragma once
#include "fovea/backend/cuda/blocks.hpp"
#include "fovea/backend/cuda/view.hpp"

namespace fovea {

template <class F> struct value_kernel {
    static constexpr int threads = 256;
    using shared = nothing_kept;
    using own = nothing_kept;

    device_area area;
    int channels, blocks_of_line; // blocks_of_line: each block stays within a row of pixels
    F f;

    template <class Call>
    value_kernel(const Call& c, int channels_of_result, const F& function)
        : area(c),
          channels(channels_of_result),
          blocks_of_line(blocks_for(std::ptrdiff_t(area.columns) * channels, threads)),
          f(function) {}

    int blocks() const { return blocks_for(std::ptrdiff_t(area.lines()) * blocks_of_line, 1); }
    FOVEA_HOST_DEVICE int phases() const { return 1; }
    FOVEA_HOST_DEVICE void operator()(int, int block, int thread, shared&, own&) const {
        const int value = block % blocks_of_line * threads + thread;
        if (value < area.columns * channels)
            f(area.in_line(block / blocks_of_line, value / channels), value % channels);
    }
};

} // namespace fovea
