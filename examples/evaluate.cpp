// Measures an upscaler on a folder of images, beside bicubic interpolation: evaluate --scale 4 --hr Set5/HR --weights
// net.pth
#include <filesystem>

#include "common/enlarger.hpp"
#include "common/files.hpp"
#include "common/lpips.hpp"
#include "common/measures.hpp"
#include "common/on_gpu.hpp"
#include "common/program.hpp"
#include "common/report.hpp"
#include "fovea/core/atomic_file.hpp"
#include "fovea/image/crop.hpp"
#include "fovea/image/read.hpp"
#include "fovea/image/write.hpp"

namespace fs = std::filesystem;
using namespace fovea;
using programs::evaluation;
using programs::scores;

namespace {

struct options {
    std::string hr, lr, downscale = "matlab", channels = "y", ssim = "auto";
    std::vector<std::string> metrics{"psnr", "ssim"};
    std::string json, side_by_side, report;
    int crop = -1; // the scale
    double memory_budget = 1024;
    programs::model_choice choice;
    programs::lpips_choice lpips;
    programs::common_options common;

    bool on_y() const { return channels == "y"; }
    bool uniform_ssim() const { return ssim == "uniform" || (ssim == "auto" && !on_y()); }
    bool wants(const std::string& metric) const {
        return std::find(metrics.begin(), metrics.end(), metric) != metrics.end();
    }
};

// The low-resolution image of that name, or of that name with x2, x3, ... behind.
fs::path partner(const options& o, const fs::path& hr) {
    for (auto stem : {hr.stem().string() + "x" + std::to_string(o.choice.scale), hr.stem().string()})
        for (auto extension : {hr.extension().string(), std::string(".png")})
            if (fs::path p = fs::path(o.lr) / (stem + extension); fs::exists(p)) return p;
    fail(o.lr, ": holds no image for ", hr.filename().string());
}

image resized(const options& o, const image& in, int height, int width) {
    return o.downscale == "pillow" ? resize_pillow(in, height, width) : resize_matlab(in, height, width);
}

// The low-resolution input, and the part of the original that it stands for.
std::pair<image, image> inputs_for(const options& o, const fs::path& file) {
    const int scale = o.choice.scale;
    image hr = programs::read_rgb8(file);
    if (o.lr.empty()) {
        hr = crop_to_multiple(hr, scale);
        return {resized(o, hr, hr.height() / scale, hr.width() / scale), hr};
    }
    const fs::path low = partner(o, file);
    image lr = programs::read_rgb8(low);
    if (lr.height() * scale > hr.height() || lr.width() * scale > hr.width())
        fail(low.string(), ": ", lr.width(), 'x', lr.height(), " times ", scale, " is larger than ", file.string(),
             ", ", hr.width(), 'x', hr.height());
    return {lr, crop(hr, 0, 0, lr.height() * scale, lr.width() * scale)};
}

struct measuring {
    programs::measure_function measure;
    programs::lpips_metric lpips; // where it is wanted
};

scores compare(const options& o, const measuring& by, const image& made, const image& original) {
    const metric_options m{.channels = o.on_y() ? metric_channels::y : metric_channels::rgb,
                           .crop = o.crop < 0 ? o.choice.scale : o.crop};
    scores s = by.measure(
        made, original, m,
        {.psnr = o.wants("psnr"), .ssim = o.wants("ssim"), .vif = o.wants("vif"), .uniform_window = o.uniform_ssim()});
    if (by.lpips) s["lpips"] = by.lpips(made, original, m.crop);
    return s;
}

image beside(const std::vector<const image*>& pictures) { // of one height
    constexpr int gap = 4;
    int width = -gap;
    for (auto* p : pictures) width += p->width() + gap;
    image all(pictures[0]->height(), width, 3);
    int left = 0;
    for (auto* p : pictures) {
        for (int y = 0; y < p->height(); ++y)
            std::copy_n(p->row<std::uint8_t>(y).data(), 3 * p->width(), all.row<std::uint8_t>(y).data() + 3 * left);
        left += p->width() + gap;
    }
    return all;
}

void check(options& o) {
    o.choice.device = o.common.device;
    if (!o.side_by_side.empty()) {
        std::error_code problem;
        fs::create_directories(o.side_by_side, problem);
        if (problem) fail(o.side_by_side, ": cannot make the folder: ", problem.message());
    }
}

void write_text(const std::string& path, const std::string& text) {
    write_file_atomically(path, std::as_bytes(std::span(text)));
}

void run(options& o) {
    check(o);
    context threads({.threads = o.common.threads});
    programs::enlarger enlarger(o.choice, threads);
    const bool on_gpu = o.common.device == "cuda";
    measuring by{on_gpu ? programs::measure_on_gpu() : programs::measure_on_cpu(), {}};
    if (o.wants("lpips")) by.lpips = programs::load_lpips(o.lpips, threads, o.common.device);
    const auto files = programs::images_in(o.hr);
    evaluation all{.model = enlarger.description(), .metrics = o.metrics};
    const run_options how{.memory_budget = std::size_t(o.memory_budget * 1048576)};
    std::printf("%s\n%s\n", enlarger.description().c_str(), programs::table_head(all).c_str());
    for (auto& file : files) {
        const auto [lr, hr] = inputs_for(o, file);
        const image made = enlarger(lr, how), plain = resized(o, lr, hr.height(), hr.width());
        all.images.push_back({file.stem().string(), compare(o, by, made, hr), compare(o, by, plain, hr)});
        std::printf("%s\n", programs::table_row(all, all.images.back()).c_str());
        std::fflush(stdout);
        if (!o.side_by_side.empty())
            write_image(fs::path(o.side_by_side) / (file.stem().string() + ".png"), beside({&plain, &made, &hr}));
    }
    std::printf("%s\n", programs::table_row(all, all.mean()).c_str());
    if (!o.json.empty()) write_text(o.json, programs::as_json(all));
    if (!o.report.empty()) write_text(o.report, programs::as_html(all, o.side_by_side));
}

} // namespace

int main(int argc, char** argv) {
    options o;
    CLI::App app("Measures an upscaler on a folder of images, beside bicubic interpolation.");
    app.add_option("--scale", o.choice.scale, "magnification")->required()->check(CLI::Range(1, 16));
    app.add_option("--hr", o.hr, "folder of original images")->required()->check(CLI::ExistingDirectory);
    app.add_option("--lr", o.lr, "folder of low-resolution images; without, originals are shrunk")
        ->check(CLI::ExistingDirectory);
    o.choice.add_to(app);
    app.add_option("--metrics", o.metrics, "psnr, ssim, vif (more is better), lpips (less is better)")
        ->delimiter(',')
        ->check(CLI::IsMember({"psnr", "ssim", "vif", "lpips"}));
    app.add_option(programs::both_spellings("--lpips-backbone"), o.lpips.backbone,
                   "for lpips: weights of SqueezeNet 1.1, AlexNet or VGG-16");
    app.add_option(programs::both_spellings("--lpips-weights"), o.lpips.weights,
                   "for lpips: linear weights of version 0.1 for that network");
    app.add_option("--channels", o.channels, "y (BT.601, studio range) or rgb; lpips is always of rgb")
        ->check(CLI::IsMember({"y", "rgb"}));
    app.add_option("--ssim", o.ssim,
                   "gaussian (11x11, valid area), uniform (7x7, as scikit-image); auto: gaussian on y, uniform on rgb")
        ->check(CLI::IsMember({"auto", "gaussian", "uniform"}));
    app.add_option("--crop", o.crop, "pixels left out at each border (default: the scale)")->check(CLI::Range(0, 4096));
    app.add_option("--downscale", o.downscale, "matlab or pillow: bicubic, to shrink originals and to compare with")
        ->check(CLI::IsMember({"matlab", "pillow"}));
    app.add_option("--json", o.json, "write the figures to a JSON file");
    app.add_option(programs::both_spellings("--side-by-side"), o.side_by_side,
                   "folder for pictures: bicubic, model, original");
    app.add_option("--report", o.report, "write a page with the figures (and the pictures of --side-by-side)");
    app.add_option(programs::both_spellings("--memory-budget"), o.memory_budget, "MB of activations at once")
        ->check(CLI::Range(16.0, 1e7));
    o.common.add_to(app);
    return programs::run_program(app, argc, argv, [&] { run(o); });
}
