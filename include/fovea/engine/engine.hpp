// The interface of what runs a network for inference: the threads of a context (engine/host_engine.hpp), or a GPU
// (engine/cuda/engine.hpp). upscaler runs on it and knows no other way. A backend that has an engine of its own says so
// by
//
//   std::unique_ptr<engine> make_engine(Backend, const graph&, const weight_store&)
//
// The graph outlives the engine. The weights are prepared; the engine copies them.
#pragma once
#include <memory>

#include "fovea/engine/frames.hpp"
#include "fovea/engine/run_options.hpp"
#include "fovea/graph/weights.hpp"
#include "fovea/image/samples_view.hpp"
#include "fovea/ops/pixels.hpp"

namespace fovea {

class engine {
  public:
    virtual ~engine() = default;

    // The network's output for the samples of an image, (H,W,C) to (H*scale,W*scale,C), which stand for `values`. One
    // colour fills all channels of the network's input, and takes the mean of its output. This is done in two parts, so
    // that the host, its copies to and from a device and the device can work at the same time: submit() of up to
    // `at_once` images, whose `out` may have no data yet; and result() of the one that was submitted first. submit()
    // returns false when it was stopped: that image has no result. `finite` becomes false where a value of the output
    // is not finite.
    static constexpr int at_once = 2;
    virtual bool submit(samples_view<const std::byte> in, samples_view<std::byte> out, pixel_values values,
                        const run_options&) = 0;
    virtual void result(samples_view<std::byte> out, bool& finite) = 0;

    // The network's own values, (N,H,W,C) to (N,H*scale,W*scale,C'). Returns false when it was stopped.
    virtual bool run(tensor_view<const float> x, tensor_view<float> y, const run_options&) = 0;

    // Frames of one size in memory that the caller gives.
    virtual frame_upscaler frames(pixel_values, extent, const schedule&) const {
        fail("frames in a caller's memory: expected a backend that computes on the threads of a context");
    }
};

} // namespace fovea
