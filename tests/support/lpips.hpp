// LPIPS without its published weights.
#pragma once
#include "fovea/loss/lpips.hpp"
#include "support/training.hpp"

namespace fovea_test {

// Linear weights of those channels, as in published files.
inline tensor_file linear_of(std::initializer_list<int> channels) {
    tensor_file file;
    file.source = "linear.pth";
    random_stream random(3);
    int l = 0;
    for (int c : channels) {
        std::vector<float> w(static_cast<std::size_t>(c));
        for (float& v : w) v = random.uniform();
        file.add(tensor_of("lin" + std::to_string(l++) + ".model.1.weight", {1, c, 1, 1}, w));
    }
    return file;
}

// With random features of SqueezeNet, on a backend that has an engine beside another one.
template <class Backend, class OnHost> void check_lpips() {
    const tensor_file linear = linear_of({64, 128, 256, 384, 384, 512, 512});
    fovea::detail::lpips_distance<float> is(fovea::detail::lpips_network_for<Backend>(linear), {}),
        expected(fovea::detail::lpips_network_for<OnHost>(linear), {});
    for (std::uint64_t seed : {1, 2}) {
        const auto y = random_tensor(1, 17, 18, 3, seed), t = random_tensor(1, 17, 18, 3, seed + 10);
        tensor<float> dy(1, 17, 18, 3), expected_dy(1, 17, 18, 3);
        const auto into = dy.view(), expected_into = expected_dy.view();
        const double distance = is(y.view(), t.view(), &into, 2.),
                     wanted = expected(y.view(), t.view(), &expected_into, 2.);
        CHECK(wanted > 0.01);
        CHECK(distance == Approx(wanted).epsilon(1e-4)); // float32 sums of up to 4608 products in another order
        CHECK(relative(numbers(dy), numbers(expected_dy)) < 1e-3);
        CHECK(is(y.view(), y.view(), nullptr, 1.) == 0);
    }
}

} // namespace fovea_test
