// PSNR, SSIM and VIF of two images on a GPU, with the definitions and errors of metrics/; results differ only by the
// order of sums in double. LPIPS on a GPU is `lpips<cuda>` of zoo/lpips.hpp.
#pragma once
#include <memory>

#include "fovea/backend/cuda/buffer.hpp"
#include "fovea/metrics/cuda/metric_kernels.hpp"
#include "fovea/metrics/psnr.hpp"

namespace fovea {

// Only one host thread at a time may use an object.
template <class Device> class device_metrics {
  public:
    explicit device_metrics(std::shared_ptr<Device> device) : device_(std::move(device)) {}
    ~device_metrics() { device_->settle(); }

    // Copies two images to the device; they are compared until the next call. Throws if the sizes differ, the crop
    // leaves no pixels, or the device has too little memory.
    void load(const image& made, const image& original, metric_options options) {
        detail::check_compared("metrics", made, original, options, 1);
        const bool luma = options.channels == metric_channels::y;
        planes_ = luma ? 1 : 3;
        made_.height = original_.height = made.height() - 2 * options.crop;
        made_.width = original_.width = made.width() - 2 * options.crop;
        const std::size_t bytes = std::size_t(planes_) * std::size_t(made_.size()) * sizeof(double);
        memory_.reserve(2 * bytes, "the images of a metric");
        made_.values = reinterpret_cast<double*>(memory_.data());
        original_.values = made_.values + planes_ * made_.size();
        // partial_ holds the results, then the sums of blocks: two for each block of squared differences or windows.
        partial_.reserve((results + 2 * std::size_t(most_blocks())) * sizeof(double), "sums of a metric");
        put_planes(made, made_, options.crop, luma);
        put_planes(original, original_, options.crop, luma);
    }

    double psnr() {
        check_loaded("psnr", 1);
        const std::ptrdiff_t values = planes_ * made_.size();
        const squared_differences k{made_.values, original_.values, values, partial()};
        begin();
        launch(k), add(partial(), k.blocks(), 1, 0);
        const double sum = finish()[0];
        return detail::psnr_of(sum, double(values));
    }
    double ssim() { return mean_ssim("ssim", detail::gaussian_window()); }
    double ssim_uniform() { return mean_ssim("ssim_uniform", detail::uniform_window()); }

    // The VIF of metrics/vif.hpp.
    double vif() {
        check_loaded("vif", vif_least_side);
        halves_.reserve(std::size_t(made_.size()) * sizeof(double), "smaller images of a metric");
        double sum = 0;
        for (int p = 0; p < planes_; ++p) {
            begin();
            put_information(plane(original_, p), plane(made_, p));
            const double* const v = finish();
            sum += detail::information_ratio({v[0], v[1]});
        }
        return sum / planes_;
    }

  private:
    static constexpr std::size_t results = 2;
    using device_memory = device_buffer<Device, memory_place::device>;

    static device_plane plane(const device_plane& first, int p) {
        return {first.values + p * first.size(), first.height, first.width};
    }
    double* result() const { return reinterpret_cast<double*>(partial_.data()); }
    double* partial() const { return result() + results; }
    int most_blocks() const { // largest number of blocks: small tiles of windows need more than squared differences
        const auto tiles = [](int side, int of_tile) { return std::ptrdiff_t((side + of_tile - 1) / of_tile); };
        using windows = windows_kernel<ssim_of_window>;
        return blocks_for(tiles(made_.height, windows::rows) * tiles(made_.width, windows::columns) * planes_, 1);
    }
    template <class Kernel> void launch(const Kernel& k) { Device::launch(device_->queue(), k, k.blocks()); }
    void add(const double* from, int count, double weight, int to) {
        launch(add_numbers{from, count, weight, result() + to});
    }
    void begin() { device_->clear(result(), results * sizeof(double)); }
    const double* finish() {
        on_host_.reserve(results * sizeof(double), "a metric");
        device_->download(on_host_.data(), result(), results * sizeof(double));
        device_->wait();
        return reinterpret_cast<const double*>(on_host_.data());
    }

    void put_planes(const image& from, const device_plane& to, int crop, bool luma) {
        const auto samples = samples_of<const std::byte>(from);
        device_->wait(); // the staging memory may still be read by the last upload
        samples_on_host_.reserve(samples.bytes(), "an image"), samples_.reserve(samples.bytes(), "an image");
        std::copy_n(samples.data, samples.bytes(), samples_on_host_.data());
        device_->upload(samples_.data(), samples_on_host_.data(), samples.bytes());
        launch(metric_planes_kernel{{samples_.data(), samples}, to, crop, luma});
    }

    void check_loaded(const char* metric, int least) const {
        if (planes_ == 0) fail(metric, ": no images: expected load() first");
        if (std::min(made_.height, made_.width) < least)
            fail(metric, ": ", made_.width, "x", made_.height, " pixels are compared: expected at least ", least,
                 " on each side");
    }
    double mean_ssim(const char* metric, const detail::ssim_window& w) {
        check_loaded(metric, int(w.weights.size()));
        begin();
        double windows = 0;
        for (int p = 0; p < planes_; ++p) {
            const windows_kernel<ssim_of_window> k{
                plane(made_, p), plane(original_, p), device_window(w.weights), {w.variance_factor}, partial()};
            windows = double(k.all_rows()) * k.all_columns() * planes_;
            launch(k), add(partial(), k.blocks(), 1, 0);
        }
        return finish()[0] / windows;
    }
    void put_information(device_plane original, device_plane other) {
        auto* free = reinterpret_cast<double*>(halves_.data());
        for (int size : detail::vif_windows) {
            const device_window window(detail::vif_window(size));
            if (size < detail::vif_windows[0])
                for (device_plane* p : {&original, &other}) {
                    const device_plane half{free, (p->height - size) / 2 + 1, (p->width - size) / 2 + 1};
                    launch(blur_and_halve{*p, half, window});
                    free += half.size(), *p = half;
                }
            const windows_kernel<information_of_window> k{original, other, window, {}, partial()};
            launch(k);
            for (int i = 0; i < information_of_window::sums; ++i) add(partial() + i * k.blocks(), k.blocks(), 1, i);
        }
    }

    std::shared_ptr<Device> device_;
    int planes_ = 0;
    device_plane made_, original_; // the first plane of each image
    device_memory memory_{*device_}, halves_{*device_}, partial_{*device_}, samples_{*device_};
    device_buffer<Device, memory_place::host> samples_on_host_{*device_}, on_host_{*device_};
};

} // namespace fovea
