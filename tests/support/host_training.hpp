// A backend that trains as a GPU does, on a device that is the host.
#pragma once
#include "fovea/engine/cuda/training_engine.hpp"
#include "fovea/zoo/cuda/lpips_loss.hpp"
#include "support/host_device.hpp"

namespace fovea_test {

struct trained_on_host : device_on_host {};

inline std::unique_ptr<fovea::training_engine> make_training_engine(trained_on_host, const fovea::graph& g,
                                                                    fovea::weight_store& weights,
                                                                    fovea::gradient_store<float>& gradients,
                                                                    const fovea::training_options& o) {
    return std::make_unique<fovea::device_training_engine<host_device>>(g, weights, gradients, o,
                                                                        std::make_shared<host_device>());
}

inline std::shared_ptr<fovea::network_loss> make_lpips(trained_on_host, fovea::detail::lpips_network<float> n,
                                                       fovea::tensor_file backbone, const fovea::lpips_options& o) {
    return std::make_shared<fovea::device_lpips<host_device>>(std::move(n), std::move(backbone), o);
}

// The same without recordings.
struct trained_unrecorded : device_on_host {};

inline std::unique_ptr<fovea::training_engine> make_training_engine(trained_unrecorded, const fovea::graph& g,
                                                                    fovea::weight_store& weights,
                                                                    fovea::gradient_store<float>& gradients,
                                                                    const fovea::training_options& o) {
    auto device = std::make_shared<host_device>();
    device->records = false;
    return std::make_unique<fovea::device_training_engine<host_device>>(g, weights, gradients, o, device);
}

} // namespace fovea_test
