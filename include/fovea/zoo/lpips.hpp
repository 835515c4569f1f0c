// LPIPS 0.1 (learned perceptual image patch similarity) of two images: the distance of zoo/lpips_loss.hpp on colours in
// [0,1]. 0 for equal images; smaller is better.
#pragma once
#include "fovea/metrics/planes.hpp"
#include "fovea/zoo/lpips_loss.hpp"

namespace fovea {

// The weights come from two files (zoo/lpips_loss.hpp). Only one thread at a time may use an object.
template <class Backend> class lpips {
  public:
    lpips(const tensor_file& backbone, const tensor_file& linear, context* threads = nullptr)
        : distance_(detail::load_lpips<Backend>(backbone, linear,
                                                {.range = {0, 255}, .threads = threads, .gradients = false})),
          least_(smallest_side(distance_->backbone().traced())) {}

    // Compares in RGB; gray counts as three equal channels. `crop` pixels are left out at each border. Throws if the
    // sizes differ or a side is below 17 pixels (AlexNet: 31, VGG: 16) after the crop.
    double operator()(const image& a, const image& b, int crop = 0) {
        const auto planes = detail::compared_planes("lpips", a, b, {metric_channels::rgb, crop}, least_);
        const tensor<float> y = interleaved(planes[0]), t = interleaved(planes[1]);
        return (*distance_)(y.view(), t.view(), nullptr, 1);
    }

  private:
    static tensor<float> interleaved(const std::vector<detail::metric_plane>& planes) { // (1,H,W,3)
        tensor<float> x(1, planes[0].height, planes[0].width, int(planes.size()));
        for (std::size_t i = 0; i < planes[0].values.size(); ++i)
            for (std::size_t c = 0; c < planes.size(); ++c)
                x.data()[i * planes.size() + c] = float(planes[c].values[i]);
        return x;
    }

    std::unique_ptr<detail::lpips_distance<float>> distance_;
    int least_;
};

} // namespace fovea
