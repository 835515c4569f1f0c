// The same on a GPU; without one it says what is missing.
#include <fovea/fovea_cuda.cuh>

#include <cstdio>
#include <cstring>
#include <vector>

using namespace fovea;

using network = sequential<named<"conv", conv<3, 12, 3>>, pixel_shuffle<2>>;

int main() {
    tensor_file weights;
    weights.source = "zeros";
    weights.add(tensor_of("conv.weight", {12, 3, 3, 3}, std::vector<float>(12 * 3 * 3 * 3)));
    weights.add(tensor_of("conv.bias", {12}, std::vector<float>(12)));
    try {
        model<network, cuda> upscaler(weights);
        const image large = upscaler(image(5, 7, 3));
        return large.width() == 14 && large.height() == 10 ? 0 : 1;
    } catch (const error& e) {
        std::puts(e.what());
        return std::strncmp(e.what(), "CUDA: ", 6) == 0 && find_gpus().count == 0 ? 0 : 1;
    }
}
