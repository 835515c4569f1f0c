// The part of the programs that a CUDA compiler compiles; where the build has no CUDA it says so.
#pragma once
#include <memory>

#include "fovea/model/upscaler.hpp"

namespace programs {

// The network of a weight file on the first GPU. Throws where there is none.
std::unique_ptr<fovea::upscaler> load_on_gpu(const fovea::tensor_file& weights, const fovea::model_options& o);

} // namespace programs
