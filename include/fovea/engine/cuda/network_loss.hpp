// A loss that a network computes on the device where the image is: what loss_kind::network stands for.
#pragma once
#include "fovea/engine/cuda/recordings.hpp"
#include "fovea/engine/training_engine.hpp"

namespace fovea {

class network_loss {
  public:
    virtual ~network_loss() = default;

    // Memory for an output y of `engine`, whose queue it takes; before put(), which may be recorded.
    virtual void prepare(training_engine& engine, tensor_view<const float> y) = 0;
    virtual placement where() const = 0;
    // Adds weight times its value for y beside t to *value, and weight times scale times its gradient to dy, (N,H,W,C)
    // like y.
    virtual void put(tensor_view<const float> y, const float* t, float* dy, double weight, double scale,
                     double* value) = 0;
};

} // namespace fovea
