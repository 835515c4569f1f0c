// Training as on a GPU in 16 bits, on a device that is the host: by its own kernels, and with a library of
// convolutions.
#include "support/training_formats.hpp"

#include "support/host_training.hpp"
#include "support/library_device.hpp"

using namespace fovea_test;

namespace {

struct trained_with_library : on_device<library_device> {};
std::unique_ptr<training_engine> make_training_engine(trained_with_library, const graph& g, weight_store& weights,
                                                      gradient_store<float>& gradients, const training_options& o) {
    return std::make_unique<device_training_engine<library_device>>(g, weights, gradients, o,
                                                                    std::make_shared<library_device>());
}

} // namespace

TEST_CASE("training of the GPU in 16 bits: gradients") { check_half_gradients<trained_on_host>(); }
TEST_CASE("training of the GPU in 16 bits: steps") { check_half_steps<trained_on_host>(); }
TEST_CASE("training of the GPU in 16 bits: the scale of the loss") { check_loss_scale<trained_on_host>(); }

TEST_CASE("training of the GPU in 16 bits: a library's convolutions, forward and back to their inputs") {
    using network = sequential<conv<3, 8, 3>, residual<conv<8, 12, 3, silu>, conv<12, 8, 5>>,
                               conv<8, 6, 3, identity, conv_options{.stride = 2}>,
                               conv<6, 6, 3, relu, conv_options{.groups = 2, .padding = 0}>, conv<6, 3, 1>>;
    const samples s(2, 14, 11, 1, 3);
    const auto gradients = [&]<class Backend>(Backend, precision_kind p) {
        trainable<network, Backend> net({.seed = 4, .input_gradient = true, .precision = p});
        net.forward(s.x.view());
        auto dy = net.output_gradient();
        random_stream random(7);
        for (std::ptrdiff_t i = 0; i < dy.batch() * dy.image_stride(); ++i) dy.data()[i] = random.normal();
        net.backward();
        std::vector<float> all;
        for (auto& g : net.parameters()) all.insert(all.end(), g.gradient, g.gradient + g.size());
        const auto dx = net.input_gradient();
        all.insert(all.end(), dx.data(), dx.data() + dx.batch() * dx.image_stride());
        return all;
    };
    looped_convolution::runs = 0;
    const auto exact = gradients(trained_on_host{}, precision_kind::float32),
               by_library = gradients(trained_with_library{}, precision_kind::tensor_float32);
    CHECK(looped_convolution::runs == 6 + 5); // the strided one's input gradient is not its
    CHECK(relative(by_library, exact) < 1e-5);
    CHECK(relative(gradients(trained_with_library{}, precision_kind::bfloat16), exact) < 10. / 512);
}
