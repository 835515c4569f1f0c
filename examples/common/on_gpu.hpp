// The part of the programs that a CUDA compiler compiles; where the build has no CUDA it says so.
#pragma once
#include <memory>

#include "common/lpips.hpp"
#include "common/measures.hpp"
#include "fovea/distributed/process_place.hpp"
#include "fovea/model/trainable.hpp"
#include "fovea/model/upscaler.hpp"
#include "fovea/zoo/recognise.hpp"

namespace programs {

// The GPU for all that follows: that number, or, for -1, the process's own. Throws where there is none, or where
// several processes cannot train on GPUs together.
void choose_gpu(int number, const fovea::process_place& place);

// The network of a weight file there. Throws where there is no GPU.
std::unique_ptr<fovea::upscaler> load_on_gpu(const fovea::tensor_file& weights, const fovea::model_options& o);

// A network to be trained there; zoo/train.hpp.
fovea::basic_trainable<float> trainable_on_gpu(const fovea::zoo::architecture&, const fovea::trainable_options& o);
fovea::basic_trainable<float> critic_on_gpu(const std::string& size, const fovea::trainable_options& o);

// What evaluations measure, computed there.
measure_function measure_on_gpu();
lpips_metric lpips_on_gpu(const fovea::tensor_file& backbone, const fovea::tensor_file& linear);

} // namespace programs
