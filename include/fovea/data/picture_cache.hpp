// Decoded pictures kept in memory, within a budget.
//
// The first pictures that fit stay; none is ever evicted: in an order that is shuffled anew in every epoch each is as
// likely to come next as any other, so that no policy hits more often than a fixed set. Safe to use from many threads.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "fovea/image/image.hpp"

namespace fovea {

// The same picture twice, RGB. `low` is empty where it is made anew for every sample.
struct picture_pair {
    image high, low;
    std::uint64_t bytes() const { return bytes_of(high) + bytes_of(low); }

  private:
    static std::uint64_t bytes_of(const image& in) {
        return std::uint64_t(in.row_bytes()) * std::uint64_t(in.height());
    }
};

class picture_cache {
  public:
    using entry = std::shared_ptr<const picture_pair>;

    picture_cache(std::size_t pictures, std::uint64_t budget) : budget_(budget), entries_(pictures) {}

    // Null where it is not kept.
    entry find(std::size_t index) const {
        const std::lock_guard lock(mutex_);
        return entries_[index];
    }
    // Keeps it where it fits.
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
    std::uint64_t bytes_ = 0; // of pixels, never above the budget
    std::vector<entry> entries_;
};

} // namespace fovea
