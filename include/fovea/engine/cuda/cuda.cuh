// The CUDA backend: model<network, cuda> runs and trainable<network, cuda> trains on the first GPU that the process
// sees. Needs nvcc.
#pragma once
#include "fovea/backend/cuda/device.cuh"
#include "fovea/engine/cuda/engine.hpp"
#include "fovea/engine/cuda/training_engine.hpp"

namespace fovea {

struct cuda : on_device<cuda_device> {};

inline std::unique_ptr<engine> make_engine(cuda, const graph& g, const weight_store& w) {
    return std::make_unique<device_engine<cuda>>(g, w, std::make_unique<cuda_device>());
}

inline std::unique_ptr<training_engine> make_training_engine(cuda, const graph& g, weight_store& weights,
                                                             gradient_store<float>& gradients,
                                                             const training_options& o) {
    return std::make_unique<device_training_engine<cuda_device>>(g, weights, gradients, o,
                                                                 std::make_shared<cuda_device>());
}

} // namespace fovea
