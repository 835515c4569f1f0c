// The CUDA backend: model<network, cuda>{weights} runs on the first GPU that the process sees. For nvcc.
#pragma once
#include "fovea/backend/cuda/device.cuh"
#include "fovea/backend/cuda/engine.hpp"

namespace fovea {

struct cuda : on_device<cuda_device> {};

inline std::unique_ptr<engine> make_engine(cuda, const graph& g, const weight_store& w) {
    return std::make_unique<device_engine<cuda>>(g, w, std::make_unique<cuda_device>());
}

} // namespace fovea
