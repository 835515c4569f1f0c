// Work that is put into a device's queue again and again with other numbers in the same memory: recorded, and then put
// there as a whole, as a CUDA graph.
#pragma once
#include <list>
#include <memory>
#include <optional>

namespace fovea {

// Where memory lies that recorded work uses: another one, never equal to an old one, whenever some of it has moved.
class placement {
  public:
    void moved() { mark_ = std::make_shared<char>(); }
    bool operator==(const placement&) const = default;

  private:
    std::shared_ptr<const char> mark_; // its address stays taken while a key has it; null: nothing was placed yet
};

// By a key that says what the work depends on besides numbers in memory. The first time it is put there as it is: most
// of what comes once does not come again, and what a library sets up at first use cannot be recorded.
template <class Device, class Key> class recordings {
  public:
    explicit recordings(Device& device) : device_(device) {}

    // put() launches kernels and clears memory in the device's queue, as it did for the same key before. It neither
    // allocates nor copies from or to the host nor waits.
    template <class F> void run(const Key& key, F put) {
        for (auto at = entries_.begin(); at != entries_.end(); ++at) {
            if (!(at->key == key)) continue;
            entries_.splice(entries_.begin(), entries_, at);
            if (!at->recorded && !record(*at, put)) return put();
            return device_.replay(*at->recorded);
        }
        put();
        entries_.push_front({key, {}});
        if (entries_.size() > most) entries_.pop_back();
    }

  private:
    static constexpr std::size_t most = 64; // of them, the latest

    struct entry {
        Key key;
        std::optional<typename Device::recording> recorded;
    };
    template <class F> bool record(entry& e, F put) {
        if (!device_.begin_recording()) return false;
        struct until_end {
            Device* device;
            ~until_end() {
                if (device) device->drop_recording(); // put() has failed
            }
        } going{&device_};
        put();
        going.device = nullptr;
        e.recorded.emplace(device_.end_recording());
        return true;
    }

    Device& device_;
    std::list<entry> entries_; // the latest used first
};

} // namespace fovea
