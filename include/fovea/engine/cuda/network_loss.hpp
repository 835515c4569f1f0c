// Interface of a loss that a network computes on the device where the image is (loss_kind::network).
#pragma once
#include "fovea/engine/cuda/recordings.hpp"
#include "fovea/engine/training_engine.hpp"

namespace fovea {

class network_loss {
  public:
    virtual ~network_loss() = default;

    // Reserves memory for an output y of `engine`, and uses that engine's queue. Call before put(), which may be
    // recorded.
    virtual void prepare(training_engine& engine, tensor_view<const float> y) = 0;
    virtual placement where() const = 0;
    // Adds weight times the loss of y against t to *value, and weight * scale times its gradient to dy. t, dy:
    // (N,H,W,C) like y.
    virtual void put(tensor_view<const float> y, const float* t, float* dy, double weight, double scale,
                     double* value) = 0;
};

} // namespace fovea
