// The component eigen: what is written to a map is in the tensor.
#include <fovea/tensor/eigen.hpp>

int main() {
    fovea::tensor<float> x(1, 2, 3, 4);
    fovea::as_matrix(x).row(5).setOnes();
    return x.at(0, 1, 2)[3] == 1 && x.at(0, 1, 1)[3] == 0 ? 0 : 1;
}
