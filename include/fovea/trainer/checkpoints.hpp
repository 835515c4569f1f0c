// The files of a run: PATH.step-N.safetensors, of which the last few stay, and PATH.best.safetensors. Each is written
// beside its place and renamed, so that whenever a run ends, every file that is there is whole.
#pragma once
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "fovea/checkpoint/read_weights.hpp"
#include "fovea/checkpoint/safetensors.hpp"
#include "fovea/core/atomic_file.hpp"
#include "fovea/core/listing.hpp"

namespace fovea {

class checkpoint_files {
  public:
    // `path`: folder and the first part of the names; the folder is made. Throws when it cannot be.
    checkpoint_files(std::filesystem::path path, int keep) : path_(std::move(path)), keep_(std::max(keep, 1)) {
        std::error_code problem;
        if (path_.has_parent_path()) std::filesystem::create_directories(path_.parent_path(), problem);
        if (problem) fail(path_.parent_path().string(), ": cannot make the folder: ", problem.message());
    }

    // Removes what runs that were killed while they saved have left; returns how many files.
    int remove_stale() const { return remove_stale_parts(folder()); }

    // Throws when no file can be written there: better known before a run than after its first hours.
    void check_writable() const {
        const atomic_file probe(best());
        const auto longest = of_step(std::numeric_limits<std::int64_t>::max());
        std::error_code problem;
        if (std::filesystem::symlink_status(longest, problem).type() == std::filesystem::file_type::none)
            fail(longest.string(), ": cannot write: ", problem.message());
    }

    std::filesystem::path best() const { return named(".best.safetensors"); }
    std::filesystem::path of_step(std::int64_t step) const {
        return named(".step-" + std::to_string(step) + ".safetensors");
    }
    // Steps of which there are files, lowest first.
    std::vector<std::int64_t> steps() const {
        const std::string first = path_.filename().string() + ".step-", last = ".safetensors";
        std::vector<std::int64_t> found;
        std::error_code problem;
        for (std::filesystem::directory_iterator i(folder(), problem), end; !problem && i != end;
             i.increment(problem)) {
            const std::string name = i->path().filename().string();
            if (!name.starts_with(first) || !name.ends_with(last)) continue;
            const char *begin = name.data() + first.size(), *stop = name.data() + name.size() - last.size();
            std::int64_t step = 0;
            if (const auto r = std::from_chars(begin, stop, step); r.ec == std::errc{} && r.ptr == stop)
                found.push_back(step);
        }
        std::ranges::sort(found);
        return found;
    }

    // Writes the file, then removes the oldest beyond those to keep. When writing fails, all that was there still is.
    void save(std::int64_t step, const tensor_file& file) const {
        write_safetensors(of_step(step), file);
        auto all = steps();
        std::erase_if(all, [&](std::int64_t s) { return s >= step; });
        std::error_code ignored; // of a file that somebody else removed
        for (std::size_t i = 0; i + std::size_t(keep_) <= all.size(); ++i)
            std::filesystem::remove(of_step(all[i]), ignored);
    }
    void save_best(const tensor_file& file) const { write_safetensors(best(), file); }

    // The latest; throws when there is none.
    tensor_file latest() const {
        const auto all = steps();
        if (all.empty())
            fail(named(".step-*.safetensors").string(), ": no such file: expected a checkpoint to resume from");
        return read_tensor_file(of_step(all.back()));
    }

  private:
    std::filesystem::path folder() const { return path_.has_parent_path() ? path_.parent_path() : "."; }
    std::filesystem::path named(const std::string& ending) const {
        return folder() / (path_.filename().string() + ending);
    }
    std::filesystem::path path_;
    int keep_;
};

// The weights to start from that `path` names: a file, or what a run has left at that path: its best, else its latest.
inline std::filesystem::path weights_at(const std::filesystem::path& path) {
    if (std::filesystem::exists(path) && !std::filesystem::is_directory(path)) return path;
    if (!path.has_filename()) fail(path.string(), ": no such weight file");
    const std::string name = path.filename().string();
    const std::filesystem::path best = path.parent_path() / (name + ".best.safetensors");
    if (std::filesystem::is_regular_file(best)) return best;
    const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
    if (std::filesystem::is_directory(folder)) {
        const checkpoint_files files(path, 1);
        if (const auto steps = files.steps(); !steps.empty()) return files.of_step(steps.back());
    }
    fail(path.string(), ": no such weight file, and no checkpoint of that name");
}

// The settings of a run in its checkpoints.
using run_settings = std::vector<std::pair<std::string, std::string>>; // option, value

inline void save_settings(tensor_file& file, const run_settings& settings) {
    for (auto& [option, value] : settings) file.metadata["setting." + option] = value;
}
// Throws one line that names every option which differs.
inline void check_settings(const tensor_file& file, const run_settings& settings) {
    listing wrong;
    const auto differ = [&](const std::string& option, const std::string& was, const std::string& is) {
        wrong.add(text_of("--", option, ' ', was, " and not ", is));
    };
    for (auto& [option, value] : settings) {
        const auto found = file.metadata.find("setting." + option);
        const std::string was = found == file.metadata.end() ? "not set" : found->second;
        if (was != value) differ(option, was, value);
    }
    constexpr std::string_view begin = "setting.";
    for (auto& [name, was] : file.metadata) // of options that were set, and are not now
        if (name.starts_with(begin)) {
            const std::string option = name.substr(begin.size());
            if (std::ranges::find(settings, option, &run_settings::value_type::first) == settings.end())
                differ(option, was, "its default");
        }
    if (!wrong.empty()) fail(file.source, ": was made with other settings: ", wrong.text());
}

} // namespace fovea
