// LPIPS on the CUDA backend; needs nvcc.
#pragma once
#include "fovea/engine/cuda/cuda.cuh"
#include "fovea/zoo/cuda/lpips_loss.hpp"

namespace fovea {

inline std::shared_ptr<network_loss> make_lpips(cuda, detail::lpips_network<float> n, tensor_file backbone,
                                                const lpips_options& o) {
    return std::make_shared<device_lpips<cuda_device>>(std::move(n), std::move(backbone), o);
}

} // namespace fovea
