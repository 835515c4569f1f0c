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

TEST_CASE("training of the GPU in 16 bits: a library's convolutions, forward and back") {
    // Strides whose gradient is added to that of a skip, and others that leave the last pixels unread. In 16 bits the
    // network's input and output and their gradients stay in float32, beside those of the same layer.
    using half = conv<8, 6, 3, identity, conv_options{.stride = 2}>;
    using network =
        sequential<conv<3, 8, 3, identity, conv_options{.stride = 2}>, residual<conv<8, 12, 3, silu>, conv<12, 8, 5>>,
                   sum<half, conv<8, 6, 1, identity, conv_options{.stride = 2, .bias = false}>>, conv<6, 6, 3, gelu>,
                   conv<6, 6, 3, leaky_relu<1, 5>, conv_options{.stride = 2}>,
                   conv<6, 6, 3, unit_range, conv_options{.dilation = 2, .groups = 2, .padding = 1}>, conv<6, 3, 1>>;
    const samples s(2, 28, 23, 1, 3);
    const auto gradients = [&]<class Backend>(Backend, precision_kind p) {
        trainable<network, Backend> net({.seed = 4, .input_gradient = true, .precision = p});
        for (int micro_batch : {0, 1}) { // whose gradients are added
            net.forward(s.x.view());
            auto dy = net.output_gradient();
            random_stream random(std::uint64_t(7 + micro_batch));
            for (std::ptrdiff_t i = 0; i < dy.batch() * dy.image_stride(); ++i) dy.data()[i] = random.normal();
            net.backward();
        }
        std::vector<float> all;
        for (auto& g : net.parameters()) all.insert(all.end(), g.gradient, g.gradient + g.size());
        const auto dx = net.input_gradient();
        all.insert(all.end(), dx.data(), dx.data() + dx.batch() * dx.image_stride());
        return all;
    };
    struct counts { // of a micro-batch
        int values, input_gradients, weight_gradients, activations, slopes, biases;
    };
    const auto check = [&](precision_kind p, counts expected, double error) {
        INFO(name_of(p));
        using library = looped_convolution;
        library::runs = library::input_gradients = library::weight_gradients = 0;
        library::activations = library::slopes = library::biases = 0;
        const auto exact = gradients(trained_on_host{}, precision_kind::float32),
                   by_library = gradients(trained_with_library{}, p);
        CHECK(relative_distance(by_library, exact, 1e-3) < error);
        const auto forward = library::runs - library::input_gradients - library::weight_gradients;
        CHECK(forward == 2 * expected.values);
        CHECK(library::input_gradients == 2 * expected.input_gradients);
        CHECK(library::weight_gradients == 2 * expected.weight_gradients);
        CHECK(library::activations == 2 * expected.activations);
        CHECK(library::slopes == 2 * expected.slopes);
        CHECK(library::biases == 2 * expected.biases);
    };
    // Where the strides are 1 an input's gradient is a convolution, too. A clamp is no part of one.
    const counts expected{9 + 5, 4, 9, 3, 3, 3};
    check(precision_kind::tensor_float32, expected, 1e-5);
    for (bool wide : {false, true}) {
        looped_convolution::filters_are_float32 = wide;
        check(precision_kind::bfloat16, expected, 10. / 512);
        check(precision_kind::float16, expected, 10. / 4096);
    }
    looped_convolution::filters_are_float32 = false;
}
