#include "common/lpips.hpp"

#include "common/on_gpu.hpp"
#include "common/program.hpp"
#include "fovea/backend/cpu/cpu.hpp"
#include "fovea/io/weights/read_weights.hpp"
#include "fovea/zoo/lpips.hpp"

namespace programs {

lpips_metric load_lpips(const lpips_choice& choice, fovea::context& threads, const std::string& device) {
    using namespace fovea;
    if (choice.backbone.empty() || choice.weights.empty())
        fail_usage(
            "--metrics lpips: expected --lpips-backbone FILE with the weights of SqueezeNet 1.1, AlexNet or VGG-16, "
            "and "
            "--lpips-weights FILE with the linear weights of LPIPS 0.1 for it");
    const tensor_file backbone = read_tensor_file(choice.backbone), linear = read_tensor_file(choice.weights);
    if (device == "cuda") return lpips_on_gpu(backbone, linear);
    return metric_of(std::make_shared<lpips<cpu>>(backbone, linear, &threads));
}

} // namespace programs
