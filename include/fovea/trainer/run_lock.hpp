// Keeps a second run from using a checkpoint path: a lock on the file PATH.lock. The system releases it however the run
// ends, so that a lock file which a killed run has left is in nobody's way. On file systems without locks nothing is
// locked.
#pragma once
#include <filesystem>
#include <string>

#include "fovea/io/atomic_file.hpp"

namespace fovea {

// Holds the lock of a checkpoint path from construction to destruction.
class run_lock {
  public:
    // Throws one line if another run holds the lock, which the line names, or if the file cannot be made.
    explicit run_lock(const std::filesystem::path& path) : path_(path) {
#if FOVEA_HAS_FILE_DESCRIPTORS
        while (!try_take()) {
        } // the last holder has removed the file in between
        const std::string process = text_of(std::int64_t(getpid()), '\n');
        if (ftruncate(file_, 0) != 0 || write(file_, process.data(), process.size()) < 0) {
        } // the text only says which run this is
#endif
    }
    ~run_lock() {
#if FOVEA_HAS_FILE_DESCRIPTORS
        unlink(path_.c_str());
        close(file_);
#endif
    }
    run_lock(const run_lock&) = delete;
    run_lock& operator=(const run_lock&) = delete;

  private:
#if FOVEA_HAS_FILE_DESCRIPTORS
    bool try_take() {
        file_ = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (file_ < 0) fail(path_.string(), ": cannot write: ", detail::system_reason(errno));
        const bool held = flock(file_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
        if (held) {
            const std::string who = holder();
            close(file_);
            fail(path_.string(), ": another run writes there", who.empty() ? "" : ", process " + who,
                 ": expected that it has ended, or another path");
        }
        struct stat now {};
        if (fstat(file_, &now) != 0 || now.st_nlink > 0) return true;
        close(file_);
        return false;
    }
    std::string holder() const {
        char text[32] = "";
        const auto length = pread(file_, text, sizeof text - 1, 0);
        std::string who(text, length > 0 ? std::size_t(length) : 0);
        while (!who.empty() && (who.back() < '0' || who.back() > '9')) who.pop_back();
        return who;
    }
    int file_ = -1;
#endif
    std::filesystem::path path_;
};

} // namespace fovea
