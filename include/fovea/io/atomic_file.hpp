// Files that appear whole or not at all: written under another name in the same folder, then renamed over the target.
//
// On any failure (folder absent or not writable, disk full, error while closing) the temporary file is removed, what
// was under the target's name before is untouched, and fovea::error names the target and the system's reason. A target
// that is a device or a pipe (/dev/null, /dev/stdout) is written directly, for it cannot be replaced. A symbolic link
// stays a link: the file that it points at is replaced. An existing file's permissions are kept.
//
// A process that is killed cannot remove its temporary file. Whoever writes one holds a lock on it, which the system
// lets go when the process ends, however it does; remove_stale_parts() removes those that nobody holds.
#pragma once
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#if __has_include(<unistd.h>) && __has_include(<sys/file.h>) && !defined(_WIN32)
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#define FOVEA_HAS_FILE_DESCRIPTORS 1
#else
#define FOVEA_HAS_FILE_DESCRIPTORS 0
#endif

#include "fovea/core/error.hpp"
#include "fovea/io/open_file.hpp"

namespace fovea {

namespace detail {

inline std::string system_reason(int code) { return std::generic_category().message(code); }

// A lock on an open file that lasts until release() or the end of the process, also beyond closing the file. Where the
// file system knows no locks there is none, and remove_stale_parts() will not remove the file.
class file_lock {
  public:
    // False when somebody has removed the file in the meantime: remove_stale_parts(), which came first.
    bool take([[maybe_unused]] std::FILE* file) noexcept {
#if FOVEA_HAS_FILE_DESCRIPTORS
        descriptor_ = fcntl(fileno(file), F_DUPFD_CLOEXEC, 0); // locks belong to what both descriptors name
        struct stat now {};
        const bool locked = flock(descriptor_, LOCK_EX) == 0;
        return !locked || fstat(descriptor_, &now) != 0 || now.st_nlink > 0;
#else
        return true;
#endif
    }
    void release() noexcept {
#if FOVEA_HAS_FILE_DESCRIPTORS
        if (descriptor_ >= 0) close(descriptor_);
        descriptor_ = -1;
#endif
    }

  private:
    int descriptor_ = -1;
};

inline constexpr char part_begin[] = ".fovea-", part_end[] = ".part"; // of the names of temporary files

} // namespace detail

// Removes temporary files in a folder that processes which were killed have left; those that are being written stay,
// whoever writes them. Returns how many it removed. Does nothing where it cannot know.
inline int remove_stale_parts([[maybe_unused]] const std::filesystem::path& folder) {
    int removed = 0;
#if FOVEA_HAS_FILE_DESCRIPTORS
    std::error_code problem;
    for (std::filesystem::directory_iterator i(folder, problem), end; !problem && i != end; i.increment(problem)) {
        const std::string name = i->path().filename().string();
        if (!name.starts_with(detail::part_begin) || !name.ends_with(detail::part_end)) continue;
        const int file = open(i->path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (file < 0) continue;
        if (flock(file, LOCK_EX | LOCK_NB) == 0 && unlink(i->path().c_str()) == 0) ++removed;
        close(file);
    }
#endif
    return removed;
}

struct atomic_file_options {
    bool durable = false; // wait until the bytes are on the disk before the file takes its name (slow)
};

// Streaming form: construct, write as often as needed, commit. Destroyed without commit, it leaves nothing behind.
class atomic_file {
  public:
    // Throws when the target is a folder or no file can be made beside it.
    explicit atomic_file(const std::filesystem::path& target, atomic_file_options options = {})
        : name_(target.string()), target_(target), options_(options) {
        namespace fs = std::filesystem;
        std::error_code ignored;
        const fs::file_status status = fs::status(target, ignored);
        if (fs::is_directory(status)) fail(name_, ": cannot write: is a folder");
        if (target.filename().empty()) fail("'", name_, "': cannot write: not the name of a file");
        if (fs::exists(status) && !fs::is_regular_file(status)) {
            file_ = detail::open_file(target, "wb");
        } else {
            if (fs::is_symlink(fs::symlink_status(target, ignored)) && fs::exists(status))
                target_ = fs::canonical(target, ignored);
            open_beside();
            if (file_ && fs::exists(status)) fs::permissions(temporary_, status.permissions(), ignored);
        }
        if (!file_) fail(name_, ": cannot write: ", detail::system_reason(errno));
    }
    // Over an open stream, which stays open: what is written is there at once. `name` stands for it in errors.
    atomic_file(std::FILE* stream, std::string name) : name_(std::move(name)), file_(stream), is_ours_(false) {}
    ~atomic_file() { abandon(); }
    atomic_file(const atomic_file&) = delete;
    atomic_file& operator=(const atomic_file&) = delete;

    // Appends the bytes. Throws when they cannot be written or after commit.
    void write(std::span<const std::byte> bytes) {
        if (!try_write(bytes)) fail_with(failure_);
    }
    // The same for callers that must not be thrown through, as callbacks of C libraries: false on failure, and check
    // and commit then throw the reason.
    bool try_write(std::span<const std::byte> bytes) noexcept {
        if (!file_) failure_ = EBADF;
        if (failure_ == 0 && !bytes.empty() && std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size())
            failure_ = errno;
        return failure_ == 0;
    }

    // Throws the reason of the first failed write, if there was one.
    void check() {
        if (failure_ != 0) fail_with(failure_);
    }

    // Gives the file its name. Throws, and leaves nothing, when the last bytes or the name cannot be written.
    void commit() {
        if (!file_) failure_ = EBADF;
        check();
        if (std::fflush(file_) != 0) fail_with(errno);
#if FOVEA_HAS_FILE_DESCRIPTORS
        if (options_.durable && !temporary_.empty() && fsync(fileno(file_)) != 0) fail_with(errno);
#endif
        std::FILE* closing = std::exchange(file_, nullptr);
        if (is_ours_ && std::fclose(closing) != 0) fail_with(errno);
        if (temporary_.empty()) return;
        std::error_code error;
        std::filesystem::rename(temporary_, target_, error);
        if (error) fail_with(error.value());
        temporary_.clear();
        lock_.release();
    }

  private:
    // Opens a new file beside the target under a name that no other file has; file_ stays null, errno set, on failure.
    void open_beside() {
        static std::atomic<std::uint32_t> serial{0}; // only spares attempts: exclusive creation makes the name unique
        for (int attempt = 0; attempt < 100 && !file_; ++attempt) {
            const auto now = std::uint64_t(std::chrono::steady_clock::now().time_since_epoch().count());
            char name[64];
            std::snprintf(name, sizeof name, "%s%016llx-%08lx%s", detail::part_begin,
                          static_cast<unsigned long long>(now), static_cast<unsigned long>(serial.fetch_add(1)),
                          detail::part_end);
            temporary_ = target_.parent_path() / name;
            file_ = detail::open_file(temporary_, "wbx");
            if (!file_ && errno != EEXIST) break;
            if (file_ && !lock_.take(file_)) close_file();
        }
        if (!file_) temporary_.clear();
    }

    void close_file() { // what was written is given up: its errors no longer matter
        if (file_ && is_ours_) std::fclose(file_);
        file_ = nullptr;
        lock_.release();
    }

    void abandon() {
        std::error_code ignored;
        if (!temporary_.empty()) std::filesystem::remove(temporary_, ignored);
        temporary_.clear();
        close_file();
    }

    [[noreturn]] void fail_with(int code) {
        abandon();
        fail(name_, ": cannot write: ", detail::system_reason(code));
    }

    std::string name_;                         // as the caller gave it, for errors
    std::filesystem::path target_, temporary_; // temporary_ is empty when the target is written directly
    std::FILE* file_ = nullptr;
    bool is_ours_ = true; // to be closed
    detail::file_lock lock_;
    int failure_ = 0; // errno of the first failed write
    atomic_file_options options_;
};

// The whole file at once. Throws as atomic_file does.
inline void write_file_atomically(const std::filesystem::path& target, std::span<const std::byte> bytes,
                                  atomic_file_options options = {}) {
    atomic_file file(target, options);
    file.write(bytes);
    file.commit();
}

} // namespace fovea
