// expect: fovea: LPIPS is computed on the host so far: take the backend cpu
#include "fovea/backend/cpu/cpu.hpp"
#include "fovea/loss/lpips.hpp"

struct elsewhere : fovea::cpu {};
std::unique_ptr<fovea::training_engine> make_training_engine(elsewhere, const fovea::graph&, fovea::weight_store&,
                                                             fovea::gradient_store<float>&,
                                                             const fovea::training_options&);

void load(const fovea::tensor_file& backbone, const fovea::tensor_file& linear) {
    fovea::lpips_loss<elsewhere>(backbone, linear);
}
