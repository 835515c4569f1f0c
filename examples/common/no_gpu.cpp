#include "common/on_gpu.hpp"

namespace programs {

namespace {

void check_gpu() {
    fovea::fail("--device cuda: this build has no CUDA backend: expected cpu, or a build with FOVEA_CUDA=ON");
}

} // namespace

void choose_gpu(int, const fovea::process_place&) { check_gpu(); }

std::unique_ptr<fovea::upscaler> load_on_gpu(const fovea::tensor_file&, const fovea::model_options&) {
    check_gpu();
    return nullptr;
}

fovea::basic_trainable<float> trainable_on_gpu(const fovea::zoo::architecture&, const fovea::trainable_options& o) {
    check_gpu();
    return {fovea::graph{}, o};
}

fovea::basic_trainable<float> critic_on_gpu(const std::string&, const fovea::trainable_options& o) {
    check_gpu();
    return {fovea::graph{}, o};
}

measure_function measure_on_gpu() {
    check_gpu();
    return {};
}

lpips_metric lpips_on_gpu(const fovea::tensor_file&, const fovea::tensor_file&) {
    check_gpu();
    return {};
}

} // namespace programs
