// fovea with networks on NVIDIA GPUs: model<network, cuda>. For nvcc; without a GPU at hand fovea/fovea.hpp is enough.
#pragma once
#include "fovea/fovea.hpp"

#include "fovea/backend/cuda/cuda.cuh"
