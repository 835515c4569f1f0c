// The part of the programs that a CUDA compiler compiles. In builds without CUDA these functions throw.
#pragma once
#include <memory>

#include "common/lpips.hpp"
#include "common/measures.hpp"
#include "fovea/distributed/process_place.hpp"
#include "fovea/model/trainable.hpp"
#include "fovea/model/upscaler.hpp"
#include "fovea/zoo/recognise.hpp"

namespace programs {

// Chooses the GPU for everything that follows: `number`, or, for -1, that of the process's place. Throws if there is no
// such GPU, or if this build cannot train in several processes on GPUs.
void choose_gpu(int number, const fovea::process_place& place);

// Loads the network of a weight file on the GPU. Throws if there is no GPU.
std::unique_ptr<fovea::upscaler> load_on_gpu(const fovea::tensor_file& weights, const fovea::model_options& o);

// Make networks for training on the GPU (zoo/train.hpp).
fovea::basic_trainable<float> trainable_on_gpu(const fovea::zoo::architecture&, const fovea::trainable_options& o);
fovea::basic_trainable<float> critic_on_gpu(const std::string& size, const fovea::trainable_options& o);

// The measures of evaluations, computed on the GPU.
measure_function measure_on_gpu();
lpips_metric lpips_on_gpu(const fovea::tensor_file& backbone, const fovea::tensor_file& linear);

} // namespace programs
