// Measures an upscaler, and bicubic interpolation for comparison, on a folder of images:
//   evaluate --scale 4 --hr Set5/HR --weights net.pth
#include <filesystem>
#include <map>

#include "common/enlarger.hpp"
#include "common/files.hpp"
#include "common/lpips.hpp"
#include "common/measures.hpp"
#include "common/on_gpu.hpp"
#include "common/program.hpp"
#include "common/report.hpp"
#include "fovea/core/memory.hpp"
#include "fovea/image/crop.hpp"
#include "fovea/io/atomic_file.hpp"
#include "fovea/io/image/read.hpp"
#include "fovea/io/image/write.hpp"

namespace fs = std::filesystem;
using namespace fovea;
using programs::evaluation;
using programs::scores;

namespace {

struct options {
    std::string hr, lr, downscale = "matlab", channels = "y", ssim = "auto";
    std::vector<std::string> metrics{"psnr", "ssim"};
    std::string json, side_by_side, report;
    int crop = -1;                                                    // -1: the scale
    double memory_budget = double(default_memory_budget()) / 1048576; // in MiB
    bool recursive = false;
    programs::model_choice choice;
    programs::lpips_choice lpips;
    programs::common_options common;

    bool on_y() const { return channels == "y"; }
    bool uniform_ssim() const { return ssim == "uniform" || (ssim == "auto" && !on_y()); }
    bool wants(const std::string& metric) const {
        return std::find(metrics.begin(), metrics.end(), metric) != metrics.end();
    }
};

// Returns the low-resolution image of an original: at the same place below --lr as the original below --hr, with the
// same name or with x2, x3, ... after the stem.
fs::path partner(const options& o, const fs::path& hr) {
    const fs::path folder = fs::path(o.lr) / hr.lexically_relative(o.hr).parent_path();
    for (auto stem : {hr.stem().string() + "x" + std::to_string(o.choice.scale), hr.stem().string()})
        for (auto extension : {hr.extension().string(), std::string(".png")})
            if (fs::path p = folder / (stem + extension); fs::exists(p)) return p;
    fail(o.lr, ": holds no image for ", hr.filename().string());
}

image resized(const options& o, const image& in, int height, int width) {
    return o.downscale == "pillow" ? resize_pillow(in, height, width) : resize_matlab(in, height, width);
}

// Returns the low-resolution input and the part of the original to which it corresponds.
std::pair<image, image> inputs_for(const options& o, const fs::path& file) {
    const int scale = o.choice.scale;
    image hr = programs::read_rgb8(file);
    if (o.lr.empty()) {
        if (hr.height() < scale || hr.width() < scale)
            fail(file.string(), ": ", hr.width(), 'x', hr.height(), " pixels: expected at least ", scale, 'x', scale);
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
    programs::lpips_metric lpips; // empty if it is not wanted
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

image beside(const std::vector<const image*>& pictures) { // pictures of equal height
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

// Finds errors in options and outputs before the first image is computed.
void check(options& o) {
    o.choice.take(o.common);
    if (!o.side_by_side.empty()) programs::make_output_folder(o.side_by_side);
    for (auto& file : {o.json, o.report}) programs::check_output_file(file);
}

void write_text(const std::string& path, const std::string& text) {
    write_file_atomically(path, std::as_bytes(std::span(text)));
}

// Returns the name of each image in tables and files: its path below the folder, without extension unless two would be
// equal.
std::map<fs::path, std::string> names_of(const options& o, const std::vector<fs::path>& files) {
    const auto below = [&](const fs::path& f) { return f.lexically_relative(o.hr); };
    std::map<std::string, int> uses;
    for (auto& f : files) ++uses[below(f).replace_extension().generic_string()];
    std::map<fs::path, std::string> names;
    for (auto& f : files) {
        const std::string plain = below(f).replace_extension().generic_string();
        const bool keeps = uses[plain] > 1 && f.extension() != ".png";
        names[f] = keeps ? below(f).generic_string() : plain;
    }
    return names;
}

// Returns the scores of an image, and writes its pictures.
programs::image_scores evaluate_image(const options& o, programs::enlarger& enlarger, const measuring& by,
                                      const fs::path& file, const std::string& name) {
    const run_options how{.memory_budget = std::size_t(o.memory_budget * 1048576)};
    const auto [lr, hr] = inputs_for(o, file);
    const image made = enlarger(lr, how), plain = resized(o, lr, hr.height(), hr.width());
    programs::image_scores s{name, compare(o, by, made, hr), compare(o, by, plain, hr)};
    if (!o.side_by_side.empty()) {
        const fs::path picture = fs::path(o.side_by_side) / (name + ".png");
        fs::create_directories(picture.parent_path());
        write_image(picture, beside({&plain, &made, &hr}));
    }
    return s;
}

void run(options& o) {
    check(o);
    context threads({.threads = o.common.threads});
    programs::enlarger enlarger(o.choice, threads);
    const bool on_gpu = o.common.device == "cuda";
    measuring by{on_gpu ? programs::measure_on_gpu() : programs::measure_on_cpu(), {}};
    if (o.wants("lpips")) by.lpips = programs::load_lpips(o.lpips, threads, o.common.device);
    const auto files = programs::images_in(o.hr, o.recursive);
    const auto names = names_of(o, files);
    evaluation all{.model = enlarger.description(), .metrics = o.metrics};
    std::printf("%s\n%s\n", enlarger.description().c_str(), programs::table_head(all).c_str());
    for (auto& file : files) {
        const std::string reason =
            reason_of_failure([&] { all.images.push_back(evaluate_image(o, enlarger, by, file, names.at(file))); });
        if (reason.empty()) {
            std::printf("%s\n", programs::table_row(all, all.images.back()).c_str());
            std::fflush(stdout);
            continue;
        }
        if (files.size() == 1) fail(reason);
        const std::string path = file.string();
        all.left_out.push_back({path, reason.find(path) == std::string::npos ? path + ": " + reason : reason});
        std::fprintf(stderr, "left out: %s\n", all.left_out.back().reason.c_str());
    }
    if (!all.images.empty()) std::printf("%s\n", programs::table_row(all, all.mean()).c_str());
    if (!o.json.empty()) write_text(o.json, programs::as_json(all));
    if (!o.report.empty()) write_text(o.report, programs::as_html(all, o.side_by_side));
    if (!all.left_out.empty())
        fail(all.left_out.size(), " of ", files.size(), " images could not be measured and are not in the mean");
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
    app.add_flag("-r,--recursive", o.recursive, "images in folders of folders, too");
    o.common.add_to(app);
    return programs::run_program(app, argc, argv, [&] { run(o); });
}
