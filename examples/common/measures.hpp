// Measures an image against its original, on the CPU or on a GPU with the same results.
#pragma once
#include <functional>

#include "common/report.hpp"
#include "fovea/metrics/psnr.hpp"
#include "fovea/metrics/ssim.hpp"
#include "fovea/metrics/vif.hpp"

namespace programs {

struct wanted_measures {
    bool psnr = true, ssim = true, vif = false;
    bool uniform_window = false; // window of SSIM
};

using measure_function = std::function<scores(const fovea::image& made, const fovea::image& original,
                                              const fovea::metric_options&, const wanted_measures&)>;

// Metrics is a class that holds two images, such as fovea::device_metrics.
template <class Metrics>
scores measure(Metrics& metrics, const fovea::image& made, const fovea::image& original,
               const fovea::metric_options& options, const wanted_measures& wanted) {
    metrics.load(made, original, options);
    scores s;
    if (wanted.psnr) s["psnr"] = metrics.psnr();
    if (wanted.ssim) s["ssim"] = wanted.uniform_window ? metrics.ssim_uniform() : metrics.ssim();
    if (wanted.vif) s["vif"] = metrics.vif();
    return s;
}

struct metrics_on_cpu {
    const fovea::image *made = nullptr, *original = nullptr;
    fovea::metric_options options{};

    void load(const fovea::image& m, const fovea::image& o, const fovea::metric_options& how) {
        made = &m, original = &o, options = how;
    }
    double psnr() const { return fovea::psnr(*made, *original, options); }
    double ssim() const { return fovea::ssim(*made, *original, options); }
    double ssim_uniform() const { return fovea::ssim_uniform(*made, *original, options); }
    double vif() const { return fovea::vif(*made, *original, options); }
};

inline measure_function measure_on_cpu() {
    return [metrics = metrics_on_cpu()](auto&... with) mutable { return measure(metrics, with...); };
}

} // namespace programs
