// Enlarges images: upscale photo.png --weights net.safetensors -o large.png
#include <deque>
#include <filesystem>

#include "common/enlarger.hpp"
#include "common/files.hpp"
#include "common/program.hpp"
#include "fovea/image/read.hpp"
#include "fovea/image/write.hpp"

namespace fs = std::filesystem;
using namespace fovea;

namespace {

struct options {
    std::vector<std::string> inputs;
    std::string output;
    programs::model_choice choice;
    programs::common_options common;
    int tile = 0, quality = 95;
    double memory_budget = 1024; // MB
    bool list_models = false;
};

struct job {
    fs::path from, to;
};

// Files are taken as they are; of a folder, every file with the extension of an image.
std::vector<fs::path> collect(const std::vector<std::string>& inputs) {
    std::vector<fs::path> files;
    for (const fs::path in : inputs) {
        if (!fs::is_directory(in)) {
            files.push_back(in);
            continue;
        }
        const auto inside = programs::images_in(in);
        files.insert(files.end(), inside.begin(), inside.end());
    }
    return files;
}

// One file goes to a file, or into a folder that exists; several go into a folder, which is made.
std::vector<job> jobs_of(const options& o) {
    const auto files = collect(o.inputs);
    const bool folder_in = std::any_of(o.inputs.begin(), o.inputs.end(), [](auto& i) { return fs::is_directory(i); });
    const bool into_folder = files.size() > 1 || folder_in || fs::is_directory(o.output) || o.output.ends_with('/');
    std::vector<job> jobs;
    for (auto& from : files) {
        fs::path to = o.output;
        if (into_folder) {
            to /= from.filename();
            if (format_of_name(to) == image_format::unknown) to.replace_extension(".png");
        } else if (format_of_name(to) == image_format::unknown)
            programs::fail_usage("--output ", o.output, ": expected a name that ends in .png, .jpg, .jpeg or .webp");
        for (auto& other : jobs)
            if (other.to == to) fail(from.string(), " and ", other.from.string(), " would both become ", to.string());
        jobs.push_back({from, to});
    }
    if (into_folder) {
        std::error_code problem;
        fs::create_directories(o.output, problem);
        if (problem) fail(o.output, ": cannot make the folder: ", problem.message());
    }
    return jobs;
}

// The budget is for the whole process: the images themselves and the program count too.
run_options run_options_of(const options& o, const job& j, const image& in, int scale) {
    constexpr double program_bytes = 48e6;
    const double image_bytes = double(in.row_bytes()) * in.height() * (1 + double(scale) * scale);
    const double left = o.memory_budget * 1048576 - image_bytes - program_bytes;
    if (left <= 0)
        fail(j.from.string(), ": the image alone, small and large, needs ",
             long((image_bytes + program_bytes) / 1048576), " MB: expected a --memory-budget above that");
    run_options run;
    run.memory_budget = std::size_t(left);
    if (o.tile) run.how = schedule{o.tile, o.tile, 0};
    return run;
}

struct image_under_way {
    job j;
    int height, width; // of the input
    programs::progress_bar bar;
};

image_under_way begin(const job& j, programs::enlarger& enlarger, const options& o) {
    const image in = read_image(j.from);
    image_under_way i{j, in.height(), in.width(),
                      programs::progress_bar(j.from.filename().string(), double(in.width()) * in.height())};
    auto run = run_options_of(o, j, in, enlarger.scale());
    run.progress = [&](double done) { i.bar(done); };
    run.notice = [&](const std::string& what) {
        std::fprintf(stderr, "%s: %s\n", j.from.string().c_str(), what.c_str());
    };
    enlarger.submit(in, run);
    return i;
}

void finish(const image_under_way& i, programs::enlarger& enlarger, const options& o) {
    const image out = enlarger.result();
    write_image(i.j.to, out, {.quality = o.quality});
    std::fprintf(stderr, "%s: %dx%d to %dx%d, %s, %.2f s -> %s\n", i.j.from.string().c_str(), i.width, i.height,
                 out.width(), out.height(), enlarger.description().c_str(), i.bar.seconds(), i.j.to.string().c_str());
}

void run(const options& o) {
    if (o.list_models) {
        for (auto& [name, text] : programs::list_models()) std::printf("%-10s %s\n", name.c_str(), text.c_str());
        return;
    }
    context threads({.threads = o.common.threads});
    programs::enlarger enlarger(o.choice, threads);
    const auto jobs = jobs_of(o);
    std::size_t failed = 0;
    const auto unless_it_fails = [&](const auto& work) {
        if (jobs.size() == 1) return work();
        try {
            work();
        } catch (const std::exception& e) {
            std::fprintf(stderr, "skipped: %s\n", e.what());
            ++failed;
        }
    };
    std::deque<image_under_way> under_way; // while one is read or written, a GPU computes another one
    const auto finish_first = [&] {
        const image_under_way first = std::move(under_way.front());
        under_way.pop_front();
        unless_it_fails([&] { finish(first, enlarger, o); });
    };
    for (auto& j : jobs) {
        unless_it_fails([&] { under_way.push_back(begin(j, enlarger, o)); });
        if (int(under_way.size()) == enlarger.at_once()) finish_first();
    }
    while (!under_way.empty()) finish_first();
    if (failed) fail(failed, " of ", jobs.size(), " images could not be enlarged");
}

} // namespace

int main(int argc, char** argv) {
    options o;
    CLI::App app("Enlarges images with a super-resolution network, the built-in one where no weights are given.");
    auto* inputs = app.add_option("IN", o.inputs, "images, or folders of images");
    auto* output = app.add_option("-o,--output", o.output, "the image to write, or a folder for several");
    o.choice.add_to(app);
    app.add_flag(programs::both_spellings("--list-models"), o.list_models, "what --model can be");
    app.add_option("--scale", o.choice.scale,
                   "magnification without --weights (default 2): 2, 4 or 8; of an interpolation any")
        ->check(CLI::Range(1, 16));
    app.add_option("--tile", o.tile, "compute in tiles of so many input pixels; 0: as fits best")
        ->check(CLI::Range(0, 65536));
    app.add_option(programs::both_spellings("--memory-budget"), o.memory_budget, "MB of memory to stay within")
        ->check(CLI::Range(64.0, 1e7));
    app.add_option("--quality", o.quality, "of JPEG and WebP")->check(CLI::Range(1, 100));
    o.common.add_to(app);
    app.callback([&] {
        if (o.list_models) return;
        if (inputs->count() == 0) throw CLI::RequiredError("IN");
        if (output->count() == 0) throw CLI::RequiredError("--output");
    });
    return programs::run_program(app, argc, argv, [&] {
        o.choice.device = o.common.device;
        run(o);
    });
}
