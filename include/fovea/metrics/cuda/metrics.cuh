// PSNR, SSIM and VIF on the CUDA backend; needs nvcc.
#pragma once
#include "fovea/backend/cuda/device.cuh"
#include "fovea/metrics/cuda/metrics.hpp"

namespace fovea {

using cuda_metrics = device_metrics<cuda_device>;

} // namespace fovea
