// Lists the files below a folder, and those that cannot be used with the reason.
#pragma once
#include <algorithm>
#include <deque>
#include <filesystem>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "fovea/core/error.hpp"

namespace fovea {

// A file that cannot be used, and why.
struct skipped_file {
    std::filesystem::path path;
    std::string reason; // one line that names the file
};

// The result of files_below().
struct folder_listing {
    std::vector<std::filesystem::path> files; // sorted
    std::vector<skipped_file> skipped;        // unreadable folders, dangling links, and what is no regular file
};

namespace detail {

// Links are followed last, so that a file is found under its own name if it has one below the folder. Paths that were
// seen before are skipped, which also ends loops.
class folder_walk {
  public:
    folder_listing below(const std::filesystem::path& folder) {
        enter(folder);
        for (; !links_.empty(); links_.pop_front()) visit(std::filesystem::path(links_.front()));
        std::ranges::sort(found_.files);
        return std::move(found_);
    }

  private:
    void enter(const std::filesystem::path& folder) {
        namespace fs = std::filesystem;
        if (!is_new(folder)) return;
        std::error_code error;
        std::vector<fs::path> entries;
        for (fs::directory_iterator i(folder, error), end; !error && i != end; i.increment(error))
            entries.push_back(i->path());
        if (error) skip(folder, ": cannot read: " + error.message());
        std::ranges::sort(entries);
        for (const fs::path& entry : entries) {
            if (fs::is_symlink(fs::symlink_status(entry, error)))
                links_.push_back(entry);
            else
                visit(entry);
        }
    }

    void visit(const std::filesystem::path& path) {
        namespace fs = std::filesystem;
        std::error_code error;
        const fs::file_status status = fs::status(path, error);
        if (fs::is_directory(status))
            enter(path);
        else if (!fs::exists(status))
            skip(path, ": cannot read: " + (error ? error.message() : "no such file"));
        else if (!fs::is_regular_file(status))
            skip(path, ": neither a file nor a folder");
        else if (is_new(path))
            found_.files.push_back(path);
    }

    bool is_new(const std::filesystem::path& path) {
        std::error_code error;
        const auto canonical = std::filesystem::canonical(path, error);
        return seen_.insert(error ? path : canonical).second;
    }
    void skip(const std::filesystem::path& path, const std::string& why) {
        found_.skipped.push_back({path, path.string() + why});
    }

    folder_listing found_;
    std::deque<std::filesystem::path> links_;
    std::set<std::filesystem::path> seen_; // canonical paths
};

} // namespace detail

// Returns every regular file below the folder, including its subfolders, once each. Throws if there is no such folder
// or no file below it.
inline folder_listing files_below(const std::filesystem::path& folder) {
    std::error_code error;
    if (!std::filesystem::is_directory(folder, error))
        fail(folder.string(), ": ", error ? error.message() : "not a folder", ": expected a folder of images");
    folder_listing found = detail::folder_walk().below(folder);
    if (found.files.empty() && found.skipped.empty()) fail(folder.string(), ": holds no files: expected images");
    return found;
}

} // namespace fovea
