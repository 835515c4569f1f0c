// Enlarges images: upscale photo.png --weights net.safetensors -o large.png
#include <algorithm>
#include <cmath>
#include <deque>

#include "common/enlarger.hpp"
#include "common/jobs.hpp"
#include "common/program.hpp"
#include "fovea/core/memory.hpp"
#include "fovea/io/image/write.hpp"

using namespace fovea;

namespace {

void tell(const std::string& what) { std::fprintf(stderr, "%s\n", what.c_str()); }

struct options {
    programs::job_options jobs;
    programs::target_size size;
    programs::model_choice choice;
    programs::common_options common;
    int tile = 0, quality = 95;
    double memory_budget = double(default_memory_budget()) / 1048576; // in MiB
    bool list_models = false, strip_metadata = false;

    double budget_bytes() const { return memory_budget * 1048576; }
    write_options writing() const {
        return {.format = jobs.format == "auto" ? image_format::unknown : format_of_name("x." + jobs.format),
                .quality = quality,
                .strip_metadata = strip_metadata,
                .notice = tell};
    }
};

// Returns the bytes that the process needs beside the network's activations: for the program, the input and the result.
double bytes_beside(const options& o, const programs::job& j, const programs::enlarger& enlarger) {
    constexpr double program = 48e6;
    const auto bytes = [&](extent e, double sample) { return double(e.height) * e.width * j.header.channels * sample; };
    const int scale = enlarger.scale();
    const double sample = double(size_of(j.header.type));
    const extent in = j.size(), network{in.height * scale, in.width * scale}, out = o.size.of(in, scale);
    double all = program + bytes(in, sample);
    if (enlarger.network()) all += bytes(network, sample);
    if (!enlarger.network() || out != network) all += bytes(out, sample);
    // In float32: an image, its transformed copy, and the mean.
    if (o.choice.tta) all += 2 * bytes(in, 4) + 3 * bytes(network, 4);
    return all;
}

run_options run_options_of(const options& o, const programs::job& j, const programs::enlarger& enlarger) {
    run_options run;
    run.memory_budget = std::size_t(std::max(0., o.budget_bytes() - bytes_beside(o, j, enlarger)));
    if (o.tile) run.how = schedule{o.tile, o.tile, 0};
    return run;
}

// Throws if a result would be too large for its format, or the work too large for the memory.
class size_check {
  public:
    size_check(const options& o, programs::enlarger& enlarger) : o_(o), enlarger_(enlarger) {}

    void operator()(const programs::job& j) {
        const extent out = o_.size.of(j.size(), enlarger_.scale());
        const auto named = j.to_standard_output() ? image_format::png : format_of_name(j.to);
        const auto format = o_.writing().format;
        check_writable(j.output_name(), out.width, out.height, format == image_format::unknown ? named : format);
        if (fitting_.height >= j.header.height && fitting_.width >= j.header.width) return;
        double needed = bytes_beside(o_, j, enlarger_);
        const bool planned = enlarger_.network() && !o_.tile && o_.common.device != "cuda";
        if (planned) needed += double(least_bytes(enlarger_.network()->traced(), j.size(), 1));
        if (needed > o_.budget_bytes())
            fail(j.input_name(), ": ", j.header.width, 'x', j.header.height, " to ", out.width, 'x', out.height,
                 " pixels needs ", megabytes(needed), " MB: expected --memory-budget ", megabytes(needed),
                 " or more, got ", long(o_.budget_bytes() / 1048576));
        if (!o_.size.is_given()) fitting_ = j.size(); // smaller images fit as well
    }

  private:
    static long megabytes(double bytes) { return long(std::ceil(bytes / 1048576)); }

    const options& o_;
    programs::enlarger& enlarger_;
    extent fitting_{};
};

// Returns the scale of the smallest built-in network that reaches the wanted size of every image.
int built_in_scale(const programs::target_size& size, const std::vector<programs::job>& jobs) {
    double most = 0;
    for (auto& j : jobs) most = std::max(most, size.ratio(j.size()));
    return size.is_given() ? programs::built_in_scale_for(most) : 2;
}

struct image_under_way {
    const programs::job* j;
    programs::progress_bar bar;
};

image_under_way begin(const programs::job& j, programs::enlarger& enlarger, const options& o) {
    const image in = j.read(tell);
    image_under_way i{&j, programs::progress_bar(j.from.filename().string(), double(in.width()) * in.height())};
    auto run = run_options_of(o, j, enlarger);
    run.progress = [&](double done) { i.bar(done); };
    run.notice = [&](const std::string& what) {
        std::fprintf(stderr, "%s: %s\n", j.input_name().c_str(), what.c_str());
    };
    enlarger.submit(in, run, o.size.of({in.height(), in.width()}, enlarger.scale()));
    return i;
}

void finish(const image_under_way& i, programs::enlarger& enlarger, const options& o) {
    const image out = enlarger.result();
    i.j->write(out, o.writing());
    std::fprintf(stderr, "%s: %dx%d to %dx%d, %s, %.2f s -> %s\n", i.j->input_name().c_str(), i.j->header.width,
                 i.j->header.height, out.width(), out.height(), enlarger.description().c_str(), i.bar.seconds(),
                 i.j->output_name().c_str());
}

void run(const options& o) {
    if (o.list_models) {
        for (auto& [name, text] : programs::list_models()) std::printf("%-10s %s\n", name.c_str(), text.c_str());
        return;
    }
    o.size.check();
    auto list = programs::list_jobs(o.jobs);
    if (list.skipped) std::fprintf(stderr, "left out %zu images whose results are there\n", list.skipped);
    const std::size_t all = list.all();
    if (all == 0) return;
    const bool alone = all == 1;

    context threads({.threads = o.common.threads});
    programs::model_choice choice = o.choice;
    choice.take(o.common);
    if (choice.is_built_in()) choice.scale = built_in_scale(o.size, list.jobs);
    programs::enlarger enlarger(choice, threads);
    std::vector<const programs::job*> jobs;
    size_check check(o, enlarger);
    for (auto& j : list.jobs) {
        const std::string reason = reason_of_failure([&] { check(j); });
        if (reason.empty()) {
            jobs.push_back(&j);
            continue;
        }
        programs::tell_or_throw(reason, alone);
        ++list.failed;
    }

    const auto unless_it_fails = [&](const auto& work) {
        if (alone) return work();
        const std::string reason = reason_of_failure(work);
        if (reason.empty()) return;
        programs::tell_or_throw(reason, alone);
        ++list.failed;
    };
    std::deque<image_under_way> under_way; // a GPU computes an image while others are read and written
    const auto finish_first = [&] {
        const image_under_way first = std::move(under_way.front());
        under_way.pop_front();
        unless_it_fails([&] { finish(first, enlarger, o); });
    };
    for (auto* j : jobs) {
        unless_it_fails([&] { under_way.push_back(begin(*j, enlarger, o)); });
        if (int(under_way.size()) == enlarger.at_once()) finish_first();
    }
    while (!under_way.empty()) finish_first();
    if (list.failed) fail(list.failed, " of ", all, " images could not be enlarged");
}

} // namespace

int main(int argc, char** argv) {
    options o;
    CLI::App app("Enlarges images with a super-resolution network, the built-in one where no weights are given.");
    auto* inputs = app.add_option("IN,--image-path,--image_path", o.jobs.inputs,
                                  "images, or folders of images; - is standard input");
    auto* output = app.add_option("-o,--output", o.jobs.output,
                                  "the image to write, or a folder for several; - is standard output");
    o.choice.add_to(app);
    app.add_flag(programs::both_spellings("--list-models"), o.list_models, "what --model can be");
    app.add_option("--scale", o.size.scale,
                   "magnification, any ratio (default: that of the network, 2 without --weights); where it is not the "
                   "network's, its result is resized by antialiased bicubic interpolation")
        ->check(CLI::Range(0.01, 64.));
    app.add_option("--width", o.size.width, "of the result in pixels, in place of --scale")
        ->check(CLI::Range(1, 1 << 20));
    app.add_option("--height", o.size.height, "of the result in pixels; with --width both")
        ->check(CLI::Range(1, 1 << 20));
    app.add_option(programs::both_spellings("--longest-side"), o.size.longest_side,
                   "width or height of the result in pixels, whichever is larger")
        ->check(CLI::Range(1, 1 << 20));
    app.add_flag("-r,--recursive", o.jobs.recursive, "images in folders of folders, too");
    app.add_flag(programs::both_spellings("--skip-existing"), o.jobs.skip_existing,
                 "leaves out images whose results are there");
    app.add_flag("--overwrite", o.jobs.overwrite, "lets results replace the images that they are made of");
    app.add_option("--format", o.jobs.format, "of results in a folder and on standard output: auto keeps the input's")
        ->check(CLI::IsMember({"auto", "png", "jpg", "jpeg", "webp", "tif", "tiff"}));
    app.add_option("--tile", o.tile, "compute in tiles of so many input pixels; 0: as fits best")
        ->check(CLI::Range(0, 65536));
    app.add_option(programs::both_spellings("--memory-budget"), o.memory_budget,
                   "MB of memory to stay within (default: half of what the machine has to spare, at least 1024)")
        ->check(CLI::Range(64.0, 1e7));
    app.add_option("--quality", o.quality, "of JPEG and WebP")->check(CLI::Range(1, 100));
    app.add_flag(programs::both_spellings("--strip-metadata"), o.strip_metadata,
                 "writes no metadata but the colour profile");
    o.common.add_to(app);
    app.callback([&] {
        if (o.list_models) return;
        if (inputs->count() == 0) throw CLI::RequiredError("IN");
        if (output->count() == 0) throw CLI::RequiredError("--output");
    });
    return programs::run_program(app, argc, argv, [&] { run(o); });
}
