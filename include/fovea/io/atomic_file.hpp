// Writes files atomically: under a temporary name in the same folder, then renamed over the target, so that the target
// is either complete or unchanged.
//
// On any failure (folder missing or not writable, disk full, error while closing) the temporary file is removed, the
// target is untouched, and fovea::error names the target and the system's reason. A target that is a device or a pipe
// (/dev/null, /dev/stdout) is written directly, because it cannot be replaced. If the target is a symbolic link, the
// file to which it points is replaced. The permissions of an existing file are kept.
//
// A process that is killed cannot remove its temporary file. The writer therefore holds a lock on it, which the system
// releases when the process ends in any way; remove_stale_parts() removes the temporary files that nobody has locked.
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

// A lock on an open file that lasts until release() or the end of the process, even if the file is closed before. On a
// file system without locks nothing is locked, and remove_stale_parts() does not remove the file.
class file_lock {
  public:
    // Returns false if remove_stale_parts() has removed the file before it could be locked.
    bool take([[maybe_unused]] std::FILE* file) noexcept {
#if FOVEA_HAS_FILE_DESCRIPTORS
        // The lock belongs to the open file, which both descriptors share, and so survives the closing of `file`.
        descriptor_ = fcntl(fileno(file), F_DUPFD_CLOEXEC, 0);
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

inline constexpr char part_begin[] = ".fovea-", part_end[] = ".part"; // names of temporary files

} // namespace detail

// Removes the temporary files of killed processes from a folder and returns how many it removed. Files that any process
// is still writing stay. Does nothing where the system has no such locks.
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

// How a file is written.
struct atomic_file_options {
    bool durable = false; // waits (slowly) until the bytes are on the disk before the file is renamed
};

// Writes a file in parts: construct, write() as often as needed, commit(). Destroyed without commit(), it leaves
// nothing.
class atomic_file {
  public:
    // Throws if the target is a folder or no file can be created beside it.
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
    // Writes to an open stream, directly and without closing it. `name` stands for it in errors.
    atomic_file(std::FILE* stream, std::string name) : name_(std::move(name)), file_(stream), is_ours_(false) {}
    ~atomic_file() { abandon(); }
    atomic_file(const atomic_file&) = delete;
    atomic_file& operator=(const atomic_file&) = delete;

    // Appends the bytes. Throws if they cannot be written, or after commit().
    void write(std::span<const std::byte> bytes) {
        if (!try_write(bytes)) fail_with(failure_);
    }
    // write() for callers that must not throw, such as callbacks of C libraries. Returns false on failure; check() and
    // commit() then throw the reason.
    bool try_write(std::span<const std::byte> bytes) noexcept {
        if (!file_) failure_ = EBADF;
        if (failure_ == 0 && !bytes.empty() && std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size())
            failure_ = errno;
        return failure_ == 0;
    }

    // Throws the reason of the first failed write, if any.
    void check() {
        if (failure_ != 0) fail_with(failure_);
    }

    // Renames the file to its target. Throws, leaving nothing, if the last bytes cannot be written or the file not
    // renamed.
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
    // Creates a file beside the target under an unused name. On failure file_ stays null and errno is set.
    void open_beside() {
        static std::atomic<std::uint32_t> serial{0}; // only saves attempts: exclusive creation makes the name unique
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

    void close_file() { // the contents are discarded, so that errors do not matter
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
    std::filesystem::path target_, temporary_; // temporary_ is empty if the target is written directly
    std::FILE* file_ = nullptr;
    bool is_ours_ = true; // false: an open stream of the caller, which stays open
    detail::file_lock lock_;
    int failure_ = 0; // errno of the first failed write
    atomic_file_options options_;
};

// Writes a whole file at once. Throws as atomic_file does.
inline void write_file_atomically(const std::filesystem::path& target, std::span<const std::byte> bytes,
                                  atomic_file_options options = {}) {
    atomic_file file(target, options);
    file.write(bytes);
    file.commit();
}

} // namespace fovea
