#include "common/on_gpu.hpp"

#include "fovea/fovea_cuda.cuh"

namespace programs {

void choose_gpu(int number, const fovea::process_place& place) {
    if (place.size > 1) fovea::cuda_device::check_joins();
    const bool sees_one = fovea::find_gpus().count == 1; // the launcher has assigned a GPU to this process
    fovea::cuda_device(number >= 0 ? number : sees_one ? 0 : place.local_rank);
}

std::unique_ptr<fovea::upscaler> load_on_gpu(const fovea::tensor_file& weights, const fovea::model_options& o) {
    return std::make_unique<fovea::upscaler>(fovea::zoo::load<fovea::cuda>(weights, o));
}

fovea::basic_trainable<float> trainable_on_gpu(const fovea::zoo::architecture& a, const fovea::trainable_options& o) {
    return fovea::zoo::trainable_of<fovea::cuda>(a, o);
}

fovea::basic_trainable<float> critic_on_gpu(const std::string& size, const fovea::trainable_options& o) {
    return fovea::zoo::critic_to_train<fovea::cuda>(size, o);
}

measure_function measure_on_gpu() {
    return [metrics = std::make_shared<fovea::cuda_metrics>(std::make_shared<fovea::cuda_device>())](auto&... with) {
        return measure(*metrics, with...);
    };
}

lpips_metric lpips_on_gpu(const fovea::tensor_file& backbone, const fovea::tensor_file& linear) {
    return metric_of(std::make_shared<fovea::lpips<fovea::cuda>>(backbone, linear));
}

} // namespace programs
