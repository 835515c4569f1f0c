// Metrics of a device beside those of the CPU.
#pragma once
#include "fovea/metrics/cuda/metrics.hpp"
#include "fovea/metrics/ssim.hpp"
#include "fovea/metrics/vif.hpp"
#include "fovea/zoo/lpips.hpp"
#include "support/catch.hpp"
#include "support/lpips.hpp"

namespace fovea_test {

template <class Sample> void fill_pair(image& a, image& b, random_stream& random) {
    const float white = white_of(a.type());
    for (int y = 0; y < a.height(); ++y)
        for (std::size_t i = 0; i < a.row<Sample>(y).size(); ++i) {
            const float smooth = 0.5f + 0.3f * std::sin(0.2f * float(y) + 0.05f * float(i)), v = random.uniform();
            a.row<Sample>(y)[i] = Sample(white * (0.9f * smooth + 0.1f * v));
            b.row<Sample>(y)[i] = Sample(white * (0.85f * smooth + 0.1f * random.uniform()));
        }
}
// Alike, but not equal.
inline std::pair<image, image> pair_of_images(int height, int width, int channels, sample_type type) {
    std::pair<image, image> p{image(height, width, channels, type), image(height, width, channels, type)};
    random_stream random(std::uint64_t(height * width + channels));
    type == sample_type::u8    ? fill_pair<std::uint8_t>(p.first, p.second, random)
    : type == sample_type::u16 ? fill_pair<std::uint16_t>(p.first, p.second, random)
                               : fill_pair<float>(p.first, p.second, random);
    return p;
}

// Sums are in double on both sides, in another order, and a compiler may fuse a multiplication with an addition: some
// 1e-16 of values up to 255^2 in a variance, beside constants of 2 and more.
template <class Device>
void check_metrics(device_metrics<Device>& m, extent size, int channels, sample_type type, const metric_options& o) {
    const auto [made, original] = pair_of_images(size.height + 2 * o.crop, size.width + 2 * o.crop, channels, type);
    CAPTURE(size.height, size.width, channels, int(type), o.crop);
    m.load(made, original, o);
    CHECK(m.psnr() == Approx(psnr(made, original, o)).epsilon(1e-12));
    CHECK(m.ssim() == Approx(ssim(made, original, o)).epsilon(1e-10));
    CHECK(m.ssim_uniform() == Approx(ssim_uniform(made, original, o)).epsilon(1e-10));
    CHECK(m.vif() == Approx(vif(made, original, o)).epsilon(1e-9));
}
template <class Device> void check_metrics(std::shared_ptr<Device> device) {
    device_metrics<Device> m(std::move(device));
    constexpr metric_options rgb{.channels = metric_channels::rgb}, without_border{.crop = 3};
    for (const extent size : {extent{41, 41}, {73, 131}, {48, 100}, {90, 45}})
        for (auto& o : {rgb, without_border}) check_metrics(m, size, 3, sample_type::u8, o);
    for (int channels : {1, 3, 4})
        for (auto type : {sample_type::u8, sample_type::u16, sample_type::f32})
            for (auto& o : {rgb, without_border}) check_metrics(m, {42, 43}, channels, type, o);
}

// With random features of SqueezeNet.
template <class Backend, class OnHost> void check_lpips_metric() {
    const tensor_file backbone = random_squeezenet(), linear = linear_of({64, 128, 256, 384, 384, 512, 512});
    lpips<Backend> is(backbone, linear);
    lpips<OnHost> expected(backbone, linear);
    const auto [made, original] = pair_of_images(23, 19, 3, sample_type::u8);
    const double wanted = expected(made, original, 1);
    CHECK(wanted > 0.001);
    CHECK(is(made, original, 1) == Approx(wanted).epsilon(1e-4)); // float32 sums of up to 4608 products
}

} // namespace fovea_test
