#include "common/jobs.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>
#include <system_error>

#include "common/files.hpp"
#include "common/program.hpp"
#include "fovea/io/image/read.hpp"
#include "fovea/io/image/write.hpp"

namespace fs = std::filesystem;
using namespace fovea;

namespace programs {

namespace {

int scaled(int n, double factor) {
    const double size = std::round(n * factor);
    if (size > 1 << 30) fail("an image side of ", n, " pixels is too long to be enlarged ", factor, " times");
    return std::max(1, int(size));
}

image_format format_named(const std::string& name) { return format_of_name("x." + name); }

// The input files of this run, recognised under any name, links included.
class input_set {
  public:
    explicit input_set(const std::vector<fs::path>& files) {
        for (auto& f : files) paths_.insert(resolved(f));
        files_ = files;
    }
    bool holds(const fs::path& p) const {
        std::error_code ignored;
        if (!fs::exists(p, ignored)) return false;
        if (paths_.contains(resolved(p))) return true;
        if (fs::hard_link_count(p, ignored) < 2) return false; // no hard link elsewhere
        return std::ranges::any_of(files_, [&](const fs::path& f) { return fs::equivalent(f, p, ignored); });
    }

  private:
    static fs::path resolved(const fs::path& p) {
        std::error_code problem;
        auto all = fs::weakly_canonical(p, problem);
        return problem ? p : all;
    }
    std::set<fs::path> paths_;
    std::vector<fs::path> files_;
};

std::vector<std::byte> read_standard_input() {
    std::vector<std::byte> all;
    std::byte part[65536];
    for (std::size_t n; (n = std::fread(part, 1, sizeof part, stdin)) > 0;) all.insert(all.end(), part, part + n);
    if (std::ferror(stdin)) fail("standard input: cannot read");
    return all;
}

// Names of the outputs: the name that was given, or names in that folder. Of several inputs with the same output name,
// later ones keep their extension: a.png and a.bmp become a.png and a.bmp.png.
class naming {
  public:
    naming(const job_options& o, bool into_folder) : o_(o), into_folder_(into_folder) {}

    void add(const fs::path& from, const fs::path& below) {
        sources_.push_back({from, below});
        ++uses_[plain(sources_.back())];
    }
    std::vector<job> jobs() const {
        std::map<fs::path, fs::path> taken; // input of each output
        std::vector<job> all;
        for (auto& s : sources_) {
            fs::path to = into_folder_ ? plain(s) : fs::path(o_.output);
            if (into_folder_ && uses_.at(to) > 1 && to.filename() != s.from.filename())
                to = to.parent_path() / (s.from.filename().string() + to.extension().string());
            const auto [other, is_new] = taken.emplace(to, s.from);
            if (!is_new)
                fail(s.from.string(), " and ", other->second.string(), " would both become ", to.string(),
                     ": expected different names, or one --output for each");
            all.push_back({.from = s.from, .to = to});
        }
        return all;
    }

  private:
    struct source {
        fs::path from, below; // below: path relative to the input folder
    };
    fs::path plain(const source& s) const {
        fs::path to = s.below.empty() ? s.from.filename() : s.from.lexically_relative(s.below);
        if (s.from == "-") to = "standard-input.png";
        if (o_.format != "auto")
            to.replace_extension("." + o_.format);
        else if (format_of_name(to) == image_format::unknown)
            to.replace_extension(".png");
        return o_.output / to;
    }

    const job_options& o_;
    bool into_folder_;
    std::vector<source> sources_;
    std::map<fs::path, int> uses_;
};

std::vector<job> name_jobs(const job_options& o) {
    const bool to_standard_output = o.output == "-";
    bool folder_in = false;
    std::vector<std::pair<fs::path, fs::path>> files; // files with the folders in which they were found
    for (const fs::path in : o.inputs) {
        if (!fs::is_directory(in)) {
            files.emplace_back(in, fs::path());
            continue;
        }
        folder_in = true;
        for (auto& inside : images_in(in, o.recursive)) files.emplace_back(inside, in);
    }
    const bool into_folder =
        !to_standard_output && (files.size() > 1 || folder_in || fs::is_directory(o.output) || o.output.ends_with('/'));
    if (to_standard_output && (files.size() > 1 || folder_in))
        fail_usage("--output -: expected one image, got ", files.size());
    if (std::ranges::count(o.inputs, "-") > 1) fail_usage("-: standard input was named twice");
    if (!into_folder && !to_standard_output && format_of_name(o.output) == image_format::unknown)
        fail_usage("--output ", o.output, ": expected a name that ends in .png, .jpg, .jpeg, .webp, .tif or .tiff");
    if (!into_folder && !to_standard_output && o.format != "auto" && format_named(o.format) != format_of_name(o.output))
        fail_usage("--format ", o.format, ": --output ", o.output, " says otherwise");
    naming names(o, into_folder);
    for (auto& [file, folder] : files) names.add(file, folder);
    return names.jobs();
}

void read_header(job& j) {
    if (j.from_standard_input()) {
        j.bytes = read_standard_input();
        j.header = read_image_header(j.bytes, "standard input");
    } else
        j.header = read_image_header(j.from);
}

} // namespace

void target_size::check() const {
    if (scale > 0 && (width > 0 || height > 0 || longest_side > 0))
        fail_usage("--scale: --width, --height or --longest-side says the size already: expected one of them");
    if (longest_side > 0 && (width > 0 || height > 0))
        fail_usage("--longest-side: --width or --height says the size already: expected one of them");
}

extent target_size::of(extent in, int network_scale) const {
    if (width > 0 && height > 0) return {height, width};
    const double factor = is_given() ? ratio(in) : network_scale;
    if (width > 0) return {scaled(in.height, factor), width};
    if (height > 0) return {height, scaled(in.width, factor)};
    return {scaled(in.height, factor), scaled(in.width, factor)};
}

double target_size::ratio(extent in) const {
    if (scale > 0) return scale;
    if (longest_side > 0) return double(longest_side) / std::max(in.height, in.width);
    return std::max(double(width) / in.width, double(height) / in.height);
}

image job::read(const notice_function& notice) const {
    const read_options how{.notice = notice};
    return from_standard_input() ? read_image(bytes, "standard input", how) : read_image(from, how);
}

void job::write(const image& large, const write_options& how) const {
    if (!to_standard_output()) return write_image(to, large, how);
    write_image(stdout, "standard output", large, how);
}

void tell_or_throw(const std::string& reason, bool alone) {
    if (alone) fail(reason);
    std::fprintf(stderr, "skipped: %s\n", reason.c_str());
}

job_list list_jobs(const job_options& o) {
    job_list list;
    auto jobs = name_jobs(o);
    const bool alone = jobs.size() == 1;
    if (o.skip_existing)
        list.skipped = std::erase_if(jobs, [](const job& j) { return !j.to_standard_output() && fs::exists(j.to); });
    std::vector<fs::path> inputs;
    for (auto& j : jobs) inputs.push_back(j.from);
    const input_set read(inputs);
    std::set<fs::path> folders;
    for (auto& j : jobs) {
        if (j.to_standard_output()) continue;
        if (!o.overwrite && read.holds(j.to))
            fail(j.to.string(),
                 ": is an input of this run and would be replaced: expected another --output, or "
                 "--overwrite");
        folders.insert(j.to.parent_path());
    }
    if (alone && !jobs.empty() && !fs::is_directory(o.output) && !o.output.ends_with('/') &&
        !fs::is_directory(o.inputs.front()))
        check_output_file(jobs.front().to); // the folder is not created, so that a mistyped name is an error
    else
        for (auto& f : folders) make_output_folder(f);
    for (auto& j : jobs) {
        const std::string reason = reason_of_failure([&] { read_header(j); });
        if (reason.empty()) {
            list.jobs.push_back(std::move(j));
            continue;
        }
        tell_or_throw(reason, alone);
        ++list.failed;
    }
    return list;
}

} // namespace programs
