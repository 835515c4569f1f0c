#include "common/on_gpu.hpp"

namespace programs {

std::unique_ptr<fovea::upscaler> load_on_gpu(const fovea::tensor_file&, const fovea::model_options&) {
    fovea::fail("--device cuda: this build has no CUDA backend: expected cpu, or a build with FOVEA_CUDA=ON");
}

} // namespace programs
