// Keeps decoded pictures in memory within a budget.
//
// The first pictures that fit stay, and none is evicted: every epoch has a new random order, in which each picture is
// equally likely to come next, so that no policy has more hits than a fixed set. Safe to use from many threads.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "fovea/image/image.hpp"

namespace fovea {

// A picture in both resolutions, RGB. `low` is empty if it is made anew for every sample.
struct picture_pair {
    image high, low;
    // Bytes of the pixels of both.
    std::uint64_t bytes() const { return bytes_of(high) + bytes_of(low); }

  private:
    static std::uint64_t bytes_of(const image& in) {
        return std::uint64_t(in.row_bytes()) * std::uint64_t(in.height());
    }
};

// Decoded pictures by index. `budget` is in bytes.
class picture_cache {
  public:
    using entry = std::shared_ptr<const picture_pair>;

    picture_cache(std::size_t pictures, std::uint64_t budget) : budget_(budget), entries_(pictures) {}

    // Returns null if the picture is not in the cache.
    entry find(std::size_t index) const {
        const std::lock_guard lock(mutex_);
        return entries_[index];
    }
    // Keeps the picture if it fits.
    void offer(std::size_t index, entry pictures) {
        const std::lock_guard lock(mutex_);
        if (entries_[index] || pictures->bytes() > budget_ - bytes_) return;
        bytes_ += pictures->bytes();
        entries_[index] = std::move(pictures);
    }
    bool has_room(std::uint64_t bytes) const {
        const std::lock_guard lock(mutex_);
        return bytes <= budget_ - bytes_;
    }
    std::uint64_t bytes() const {
        const std::lock_guard lock(mutex_);
        return bytes_;
    }

  private:
    mutable std::mutex mutex_;
    const std::uint64_t budget_;
    std::uint64_t bytes_ = 0; // bytes of pixels, never above the budget
    std::vector<entry> entries_;
};

} // namespace fovea
