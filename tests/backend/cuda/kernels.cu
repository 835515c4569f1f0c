// Kernels to be compiled for every GPU; ptxas.py looks at the registers of those that time depends on.
#include "fovea/backend/cuda/attention_branch.hpp"
#include "fovea/backend/cuda/device.cuh"
#include "fovea/backend/cuda/gradients.hpp"
#include "fovea/backend/cuda/last_pass.hpp"
#include "fovea/engine/cuda/optimizer.hpp"
#include "fovea/engine/cuda/training_engine.hpp"
#include "fovea/loss/cuda/loss_kernels.hpp"
#include "fovea/metrics/cuda/metrics.hpp"
#include "fovea/zoo/cuda/lpips_loss.hpp"

using namespace fovea;

#define FOVEA_KERNEL(...) template __global__ void fovea::detail::run_blocks(const __grid_constant__ __VA_ARGS__)

FOVEA_KERNEL(convolution_kernel<64>);
FOVEA_KERNEL(convolution_kernel<16>);
FOVEA_KERNEL(value_kernel<depthwise_kernel>);
FOVEA_KERNEL(depthwise_tile<5, 1>);
FOVEA_KERNEL(depthwise_tile<5, 3>);
FOVEA_KERNEL(attention_branch_kernel<48, 64, number_format::bfloat16, 24, 4>);
FOVEA_KERNEL(attention_branch_kernel<48, 64, number_format::float16, 24, 4>);
FOVEA_KERNEL(attention_branch_kernel<32, 64, number_format::bfloat16, 24, 4>);
FOVEA_KERNEL(attention_branch_kernel<32, 64, number_format::float16, 24, 4>);
FOVEA_KERNEL(attention_branch_kernel<64, 48, number_format::bfloat16, 24, 4>);
FOVEA_KERNEL(attention_branch_kernel<64, 48, number_format::float16, 24, 4>);
FOVEA_KERNEL(attention_branch_kernel<48, 64, number_format::bfloat16, 12, 2>);
FOVEA_KERNEL(attention_branch_kernel<64, 48, number_format::float16, 12, 2>);
FOVEA_KERNEL(layer_normalise_kernel);
FOVEA_KERNEL(value_kernel<activate_values<device_activation>>);
FOVEA_KERNEL(value_kernel<load_samples>);
FOVEA_KERNEL(value_kernel<last_pass>);

FOVEA_KERNEL(weight_gradient_kernel);
FOVEA_KERNEL(add_filters);
FOVEA_KERNEL(channel_sums<depthwise_weight_gradient>);
FOVEA_KERNEL(channel_sums<bias_gradient>);
FOVEA_KERNEL(channel_sums<slope_gradient>);
FOVEA_KERNEL(layer_gradient_kernel);
FOVEA_KERNEL(channel_sums<layer_weight_gradient>);
FOVEA_KERNEL(channel_sums<batch_moment>);
FOVEA_KERNEL(channel_sums<batch_gradient_moments>);
FOVEA_KERNEL(channel_sums<batch_weight_gradient>);
FOVEA_KERNEL(value_kernel<batch_gradient>);
FOVEA_KERNEL(value_kernel<activate_gradient<device_slope>>);
FOVEA_KERNEL(value_kernel<rectify_gradient>);
FOVEA_KERNEL(value_kernel<multiply_gradient>);
FOVEA_KERNEL(value_kernel<concatenate_gradient>);
FOVEA_KERNEL(value_kernel<gather_gradient<shuffled_gradient>>);
FOVEA_KERNEL(value_kernel<gather_gradient<magnified_gradient>>);
FOVEA_KERNEL(value_kernel<gather_gradient<maximum_gradient>>);
FOVEA_KERNEL(value_kernel<gather_gradient<mean_gradient>>);

FOVEA_KERNEL(normalise_weight_kernel);
FOVEA_KERNEL(normalised_weight_gradient);
FOVEA_KERNEL(loss_kernel);
FOVEA_KERNEL(value_kernel<balance_gradients>);
FOVEA_KERNEL(lpips_kernel);
FOVEA_KERNEL(value_kernel<lpips_features>);
FOVEA_KERNEL(add_numbers);
FOVEA_KERNEL(metric_planes_kernel);
FOVEA_KERNEL(squared_differences);
FOVEA_KERNEL(windows_kernel<ssim_of_window>);
FOVEA_KERNEL(windows_kernel<information_of_window>);
FOVEA_KERNEL(blur_and_halve);
FOVEA_KERNEL(square_pieces);
FOVEA_KERNEL(judge_step);
FOVEA_KERNEL(piece_kernel<adam_update>);
FOVEA_KERNEL(piece_kernel<sgd_update>);
FOVEA_KERNEL(piece_kernel<adafactor_moments>);
FOVEA_KERNEL(piece_kernel<adafactor_means>);
FOVEA_KERNEL(adafactor_squares);
FOVEA_KERNEL(adafactor_factors);
FOVEA_KERNEL(piece_kernel<adafactor_update>);
