// Layouts of filters for the GPU's convolutions, in the format of the tensor with which they are multiplied:
//
//   filters_by_tap            (group, output, tap, input), which is cuDNN's layout, too
//   depthwise                 (tap, channel), so that neighbouring threads read neighbouring numbers
//   turned_filters            (group, input, tap in reverse order, output), for the gradient of the input
#pragma once
#include "fovea/backend/cuda/blocks.hpp"
#include "fovea/backend/cuda/numbers.hpp"
#include "fovea/ops/kernel.hpp"

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
    device_numbers to;
    int outputs, inputs, taps, groups; // outputs: of one group
    bool turned, outputs_last;

    arrange_filters(const preparation_call& c, bool for_gradient)
        : from(c.weight<float>(0)),
          to{static_cast<std::byte*>(c.out), c.format},
          inputs(c.dims[0][1]),
          taps(c.dims[0][2] * c.dims[0][3]),
          groups(c.a.groups),
          turned(for_gradient),
          outputs_last(for_gradient || groups == c.dims[0][0]) {
        if (groups == c.dims[0][0]) groups = 1; // depthwise: one group of filters over one input
        outputs = c.dims[0][0] / groups;
    }

    int count() const { return groups * outputs * inputs * taps; }
    int blocks() const { return blocks_for(count(), threads); }
    FOVEA_HOST_DEVICE int phases() const { return 1; }
    FOVEA_HOST_DEVICE void operator()(int, int block, int thread, shared&, own&) const {
        const int i = block * threads + thread; // index in `to`
        if (i >= groups * outputs * inputs * taps) return;
        const int inner = outputs_last ? outputs : inputs, outer = outputs_last ? inputs : outputs;
        const int first = i / (inner * taps) % outer, tap = i / inner % taps, last = i % inner,
                  output = i / (inner * taps * outer) * outputs + (outputs_last ? last : first),
                  input = outputs_last ? first : last;
        to.put(i, from[(std::ptrdiff_t(output) * inputs + input) * taps + (turned ? taps - 1 - tap : tap)]);
    }
};

} // namespace fovea
