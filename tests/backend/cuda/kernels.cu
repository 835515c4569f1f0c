// The kernels whose registers ptxas.py looks at.
#include "fovea/backend/cuda/device.cuh"
#include "fovea/backend/cuda/last_pass.hpp"

using namespace fovea;

template __global__ void fovea::detail::run_blocks(const __grid_constant__ convolution_kernel<64>);
template __global__ void fovea::detail::run_blocks(const __grid_constant__ convolution_kernel<16>);
template __global__ void fovea::detail::run_blocks(const __grid_constant__ value_kernel<depthwise_kernel>);
template __global__ void fovea::detail::run_blocks(const __grid_constant__ layer_normalise_kernel);
template __global__ void fovea::detail::run_blocks(
    const __grid_constant__ value_kernel<activate_values<device_activation>>);
template __global__ void fovea::detail::run_blocks(const __grid_constant__ value_kernel<load_samples>);
template __global__ void fovea::detail::run_blocks(const __grid_constant__ value_kernel<last_pass>);
