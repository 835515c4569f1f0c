// Filters as the GPU's convolutions read them: (group, tap, input, output), so that neighbouring threads, which compute
// neighbouring outputs, read neighbouring numbers. Depthwise: (tap, channel). Turned, for the gradient of the input:
// (group, tap from the last, output, input).
#pragma once
#include "fovea/backend/cuda/blocks.hpp"
#include "fovea/graph/kernel.hpp"

namespace fovea {

struct filters_by_tap {
    static constexpr int inputs = 1;
};

struct turned_filters {
    static constexpr int inputs = 1;
};

struct arrange_filters {
    static constexpr int threads = 256;
    using shared = nothing_kept;
    using own = nothing_kept;

    const float* from; // (O, I/groups, K, K)
    float* to;
    int outputs, inputs, taps, groups; // outputs of a group
    bool turned;

    arrange_filters(const preparation_call& c, bool for_gradient)
        : from(c.weight<float>(0)),
          to(static_cast<float*>(c.out)),
          inputs(c.dims[0][1]),
          taps(c.dims[0][2] * c.dims[0][3]),
          groups(c.a.groups),
          turned(for_gradient) {
        if (groups == c.dims[0][0]) groups = 1; // depthwise: as one group of filters over one input
        outputs = c.dims[0][0] / groups;
    }

    int count() const { return groups * outputs * inputs * taps; }
    int blocks() const { return blocks_for(count(), threads); }
    FOVEA_HOST_DEVICE int phases() const { return 1; }
    FOVEA_HOST_DEVICE void operator()(int, int block, int thread, shared&, own&) const {
        const int i = block * threads + thread; // in `to`
        if (i >= groups * outputs * inputs * taps) return;
        const int output = turned ? i / inputs % outputs : i % outputs,
                  input = turned ? i % inputs : i / outputs % inputs, tap = i / (outputs * inputs) % taps,
                  group = i / (outputs * inputs * taps);
        to[i] =
            from[(std::ptrdiff_t(group * outputs + output) * inputs + input) * taps + (turned ? taps - 1 - tap : tap)];
    }
};

} // namespace fovea
