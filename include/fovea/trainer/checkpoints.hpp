// The files of a run: PATH.step-N.safetensors, of which the last few are kept, PATH.best.safetensors, and, if only
// weights are wanted, PATH.weights.safetensors. Each is written beside its place and renamed, so that every file is
// whole whenever a run ends. Each has a checksum, which shows damage that is done later. At least two checkpoints are
// kept, so that there is another one if the last is damaged.
#pragma once
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "fovea/core/notice.hpp"
#include "fovea/io/atomic_file.hpp"
#include "fovea/io/weights/checksum.hpp"
#include "fovea/io/weights/read_weights.hpp"
#include "fovea/io/weights/safetensors.hpp"

namespace fovea {

// The names of the files of a run, which of them exist, and which are removed.
class checkpoint_files {
  public:
    // path: folder and first part of the names; the folder is made, and an error thrown if it cannot be. keep: how many
    // checkpoints are kept, at least two.
    checkpoint_files(std::filesystem::path path, int keep) : path_(std::move(path)), keep_(std::max(keep, 2)) {
        std::error_code problem;
        if (path_.has_parent_path()) std::filesystem::create_directories(path_.parent_path(), problem);
        if (problem) fail(path_.parent_path().string(), ": cannot make the folder: ", problem.message());
    }

    // Removes unfinished files of runs that were killed while they saved; returns how many.
    int remove_stale() const { return remove_stale_parts(folder()); }

    // Throws if no file can be written there, which is better known before a run than after its first hours.
    void check_writable() const {
        const atomic_file probe(best());
        const auto longest = of_step(std::numeric_limits<std::int64_t>::max());
        std::error_code problem;
        if (std::filesystem::symlink_status(longest, problem).type() == std::filesystem::file_type::none)
            fail(longest.string(), ": cannot write: ", problem.message());
    }

    // Names of the files.
    std::filesystem::path best() const { return named(".best.safetensors"); }
    std::filesystem::path of_step(std::int64_t step) const {
        return named(".step-" + std::to_string(step) + ".safetensors");
    }
    // Steps that have a checkpoint, the lowest first.
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

    // Writes the file, then removes the oldest checkpoints beyond those to keep. If writing fails, nothing was removed.
    // Checkpoints that latest() has found to be damaged are neither removed nor counted.
    void save(std::int64_t step, tensor_file file) {
        write(of_step(step), std::move(file));
        std::erase(damaged_, step);
        auto all = steps();
        std::erase_if(all, [&](std::int64_t s) { return s >= step || std::ranges::count(damaged_, s) > 0; });
        std::error_code ignored; // somebody else may have removed the file
        for (std::size_t i = 0; i + std::size_t(keep_) <= all.size(); ++i)
            std::filesystem::remove(of_step(all[i]), ignored);
    }
    void save_best(tensor_file file) const { write(best(), std::move(file)); }
    void save_weights(tensor_file file) const { write(named(".weights.safetensors"), std::move(file)); }

    // Reads the latest checkpoint that is not damaged, with a notice for each damaged one. Throws if there is none.
    tensor_file latest(const notice_function& notice = {}) {
        const auto all = steps();
        if (all.empty())
            fail(named(".step-*.safetensors").string(), ": no such file: expected a checkpoint to resume from");
        for (std::size_t i = all.size();;) {
            tensor_file file;
            const std::string reason = reason_of_failure([&] { file = read_tensor_file(of_step(all[--i])); });
            if (reason.empty()) return file;
            damaged_.push_back(all[i]);
            if (i == 0) fail(reason, all.size() > 1 ? ": and no checkpoint before it is whole" : "");
            if (notice) notice(reason + ": the checkpoint before it is taken");
        }
    }

    // Renames all files of the path to PATH.before-1.step-N.safetensors and so on, where --checkpoint-path
    // PATH.before-1 finds them. Returns that path; empty: there were none.
    std::filesystem::path set_aside() const {
        std::vector<std::filesystem::path> all;
        for (const std::int64_t step : steps()) all.push_back(of_step(step));
        for (const char* other : {".best.safetensors", ".weights.safetensors"})
            if (std::filesystem::exists(named(other))) all.push_back(named(other));
        if (all.empty()) return {};
        for (int i = 1;; ++i) {
            const checkpoint_files to(text_of(path_.string(), ".before-", i), keep_);
            if (!to.steps().empty() || std::filesystem::exists(to.best()) ||
                std::filesystem::exists(to.named(".weights.safetensors")))
                continue;
            const std::string mine = path_.filename().string();
            for (const auto& file : all) {
                std::error_code problem;
                const auto target = to.named(file.filename().string().substr(mine.size()));
                std::filesystem::rename(file, target, problem);
                if (problem) fail(file.string(), ": cannot be called ", target.string(), ": ", problem.message());
            }
            return to.path_;
        }
    }

    // The lock of the path, which one run at a time can hold (trainer/run_lock.hpp).
    std::filesystem::path lock() const { return named(".lock"); }

  private:
    std::filesystem::path folder() const { return path_.has_parent_path() ? path_.parent_path() : "."; }
    std::filesystem::path named(const std::string& ending) const {
        return folder() / (path_.filename().string() + ending);
    }
    static void write(const std::filesystem::path& to, tensor_file file) {
        add_checksum(file);
        write_safetensors(to, file);
    }
    std::filesystem::path path_;
    int keep_;
    std::vector<std::int64_t> damaged_; // steps
};

// Returns the weights that `path` names: those of a file, or of a run with that checkpoint path: its best, else its
// latest.
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

} // namespace fovea
