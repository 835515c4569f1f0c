// A list for a message: the first eight entries, then how many more there are.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace fovea {

// Collects the entries of a list for a message; text() has at most `most` of them.
class listing {
  public:
    static constexpr std::size_t most = 8;

    explicit listing(std::string_view separator = ", ") : separator_(separator) {}

    // Adds an entry; it is only counted once there are `most` of them.
    void add(std::string_view entry) {
        if (++count_ > most) return;
        if (count_ > 1) text_ += separator_;
        text_ += entry;
    }
    // Of the entries that were added, shown or not.
    bool empty() const { return count_ == 0; }
    std::size_t count() const { return count_; }
    // "a, b and 12 more"
    std::string text() const {
        return count_ > most ? text_ + " and " + std::to_string(count_ - most) + " more" : text_;
    }

  private:
    std::string separator_, text_;
    std::size_t count_ = 0;
};

} // namespace fovea
