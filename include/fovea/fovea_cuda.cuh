// fovea with networks on NVIDIA GPUs: model<network, cuda>. For nvcc; without a GPU at hand fovea/fovea.hpp is enough.
#pragma once
#pragma nv_diagnostic push
#pragma nv_diag_suppress 445 // about lambdas with template arguments that it believes unused
#include "fovea/fovea.hpp"
#pragma nv_diagnostic pop

#include "fovea/engine/cuda/cuda.cuh"
#include "fovea/metrics/cuda/metrics.cuh"
#include "fovea/zoo/cuda/lpips_loss.cuh"
