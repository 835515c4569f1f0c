// Losses by the GPU's kernels, run on the host, against those of the CPU.
#include "fovea/loss/cuda/loss_kernels.hpp"

#include "fovea/loss/classification.hpp"
#include "fovea/loss/weighted_sum.hpp"
#include "support/catch.hpp"
#include "support/host_device.hpp"
#include "support/random_weights.hpp"

using namespace fovea;
using namespace fovea_test;

namespace {

// With a margin on either side, as gradients in a plan may have.
window window_of(tensor<float>& t, int margin) {
    const std::ptrdiff_t row = std::ptrdiff_t(t.width()) * t.channels();
    return {.data = reinterpret_cast<std::byte*>(t.data()),
            .height = t.height(),
            .width = t.width() - 2 * margin,
            .channels = t.channels(),
            .left = -margin,
            .columns = t.width(),
            .stored = t.height(),
            .row_stride = row,
            .image_stride = row * t.height()};
}

using image_values = tensor_view<const float>;

struct shape {
    int batch, height, width, channels;
};

template <class OnHost> void check_loss(shape s, const loss_terms& terms, OnHost on_host) {
    INFO(s.batch << "x" << s.height << "x" << s.width << "x" << s.channels);
    auto y = random_tensor(s.batch, s.height, s.width, s.channels, 3),
         t = random_tensor(s.batch, s.height, s.width, s.channels, 4);
    y.data()[0] = t.data()[0]; // where an absolute value has no slope
    constexpr int margin = 2;
    auto expected = random_tensor(s.batch, s.height, s.width, s.channels, 5); // added to
    tensor<float> dy(s.batch, s.height, s.width + 2 * margin, s.channels);
    for (int n = 0; n < s.batch; ++n)
        for (int h = 0; h < s.height; ++h) std::copy_n(expected.at(n, h, 0), s.width * s.channels, dy.at(n, h, margin));

    call area;
    area.images = {0, s.batch}, area.rows = {0, s.height}, area.cols = {0, s.width}, area.y = window_of(y, 0);
    std::vector<double> partial(fovea::detail::loss_scratch(s.batch, area.y) / sizeof(double), -1);
    double value = 0.25; // added to, too
    fovea::detail::launch_loss<host_device>(area, terms, window_of(t, 0), window_of(dy, margin), partial.data(),
                                            &value);

    const double loss = on_host(y.view(), t.view(), expected.view());
    CHECK(value == Approx(0.25 + loss).epsilon(1e-12)); // both in double
    double worst = 0;
    for (int n = 0; n < s.batch; ++n)
        for (int h = 0; h < s.height; ++h)
            for (int i = 0; i < s.width * s.channels; ++i) {
                const double d = std::abs(double(dy.at(n, h, margin)[i]) - double(expected.at(n, h, 0)[i]));
                worst = d <= worst ? worst : d == d ? d : 1e30;
            }
    CHECK(worst <
          3e-6); // total variation adds up to four slopes one by one to numbers up to 8: half an ulp, 5e-7, each
}

template <class Loss> void check_pixel_loss(const Loss& loss) {
    for (const shape s : {shape{1, 1, 1, 1}, {2, 5, 7, 3}, {3, 33, 29, 4}, {1, 1, 40, 3}, {1, 40, 1, 2}}) {
        if (std::same_as<Loss, total_variation_loss> && s.height * s.width == 1) continue; // has no neighbours
        check_loss(s, loss.terms(0.7),
                   [&](image_values y, image_values t, tensor_view<float> dy) { return 0.7 * loss(y, t, dy, 0.7); });
    }
}

} // namespace

TEST_CASE("losses of the GPU: of an image beside its target") {
    check_pixel_loss(l1_loss{});
    check_pixel_loss(l2_loss{});
    check_pixel_loss(charbonnier_loss{});
    check_pixel_loss(charbonnier_loss{0.1});
    check_pixel_loss(total_variation_loss{});
    check_pixel_loss(weighted_sum{l2_loss{}, 1., total_variation_loss{}, 0.5});
}

TEST_CASE("losses of the GPU: a weight of zero asks for nothing") {
    CHECK(weighted_sum{l1_loss{}, 1., total_variation_loss{}, 0.}.terms().size() == 1);
}

TEST_CASE("losses of the GPU: cross-entropy of logits") {
    const binary_cross_entropy_with_logits loss;
    for (double wanted : {0., 1., 0.3})
        for (const shape s : {shape{7, 1, 1, 1}, {2, 3, 5, 1}})
            check_loss(s, loss.terms(wanted, 0.5), [&](image_values y, image_values, tensor_view<float> dy) {
                return 0.5 * loss(y, wanted, dy, 0.5);
            });
}
