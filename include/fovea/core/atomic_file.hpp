// Files that appear whole or not at all: written under another name in the same folder, then renamed over the target.
//
// On any failure (folder absent or not writable, disk full, error while closing) the temporary file is removed, what
// was under the target's name before is untouched, and fovea::error names the target and the system's reason. A target
// that is a device or a pipe (/dev/null, /dev/stdout) is written directly, for it cannot be replaced. A symbolic link
// stays a link: the file that it points at is replaced. An existing file's permissions are kept.
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
#if __has_include(<unistd.h>)
#include <unistd.h>
#define FOVEA_HAS_FSYNC 1
#else
#define FOVEA_HAS_FSYNC 0
#endif

#include "fovea/core/error.hpp"

namespace fovea {

namespace detail {

inline std::string system_reason(int code) { return std::generic_category().message(code); }

} // namespace detail

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
            file_ = std::fopen(name_.c_str(), "wb");
        } else {
            if (fs::is_symlink(fs::symlink_status(target, ignored)) && fs::exists(status))
                target_ = fs::canonical(target, ignored);
            open_beside();
            if (file_ && fs::exists(status)) fs::permissions(temporary_, status.permissions(), ignored);
        }
        if (!file_) fail(name_, ": cannot write: ", detail::system_reason(errno));
    }
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
#if FOVEA_HAS_FSYNC
        if (options_.durable && !temporary_.empty() && fsync(fileno(file_)) != 0) fail_with(errno);
#endif
        std::FILE* closing = file_;
        file_ = nullptr;
        if (std::fclose(closing) != 0) fail_with(errno);
        if (temporary_.empty()) return;
        std::error_code error;
        std::filesystem::rename(temporary_, target_, error);
        if (error) fail_with(error.value());
        temporary_.clear();
    }

  private:
    // Opens a new file beside the target under a name that no other file has; file_ stays null, errno set, on failure.
    void open_beside() {
        static std::atomic<std::uint32_t> serial{0}; // only spares attempts: exclusive creation makes the name unique
        for (int attempt = 0; attempt < 100 && !file_; ++attempt) {
            const auto now = std::uint64_t(std::chrono::steady_clock::now().time_since_epoch().count());
            char name[64];
            std::snprintf(name, sizeof name, ".fovea-%016llx-%08lx.part", static_cast<unsigned long long>(now),
                          static_cast<unsigned long>(serial.fetch_add(1)));
            temporary_ = target_.parent_path() / name;
            file_ = std::fopen(temporary_.string().c_str(), "wbx");
            if (!file_ && errno != EEXIST) break;
        }
        if (!file_) temporary_.clear();
    }

    void abandon() {
        if (file_) std::fclose(file_); // what was written is given up: its errors no longer matter
        file_ = nullptr;
        std::error_code ignored;
        if (!temporary_.empty()) std::filesystem::remove(temporary_, ignored);
        temporary_.clear();
    }

    [[noreturn]] void fail_with(int code) {
        abandon();
        fail(name_, ": cannot write: ", detail::system_reason(code));
    }

    std::string name_;                         // as the caller gave it, for errors
    std::filesystem::path target_, temporary_; // temporary_ is empty when the target is written directly
    std::FILE* file_ = nullptr;
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
