// What a program outside of the repository does first: a network from weights in memory, an image through it.
#include <fovea/fovea.hpp>

#include <cstdio>
#include <vector>

using namespace fovea;

using network = sequential<named<"conv", conv<3, 12, 3>>, pixel_shuffle<2>>;

int main() {
    tensor_file weights;
    weights.source = "zeros";
    weights.add(tensor_of("conv.weight", {12, 3, 3, 3}, std::vector<float>(12 * 3 * 3 * 3)));
    weights.add(tensor_of("conv.bias", {12}, std::vector<float>(12)));
    model<network, cpu> upscaler(weights);
    const image large = upscaler(image(5, 7, 3));
    std::printf("%d x %d\n", large.width(), large.height());
    return large.width() == 14 && large.height() == 10 ? 0 : 1;
}
