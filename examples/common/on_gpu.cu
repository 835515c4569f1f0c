#include "common/on_gpu.hpp"

#include "fovea/backend/cuda/cuda.cuh"
#include "fovea/zoo/load.hpp"

namespace programs {

std::unique_ptr<fovea::upscaler> load_on_gpu(const fovea::tensor_file& weights, const fovea::model_options& o) {
    return std::make_unique<fovea::upscaler>(fovea::zoo::load<fovea::cuda>(weights, o));
}

} // namespace programs
