// Recording of device work that is queued repeatedly with other numbers in the same memory: it is recorded as a CUDA
// graph and then launched as a whole.
#pragma once
#include <list>
#include <memory>
#include <optional>

namespace fovea {

// Identifies the memory that recorded work uses. moved() makes it differ from all earlier values.
class placement {
  public:
    void moved() { mark_ = std::make_shared<char>(); }
    bool operator==(const placement&) const = default;

  private:
    std::shared_ptr<const char> mark_; // shared: no address is reused while a key holds it; null: no memory yet
};

// Recordings by a key that covers everything the work depends on except numbers in memory. Work with a new key runs
// unrecorded once: most of it never comes again, and the first use of a library may set up things that cannot be
// recorded.
template <class Device, class Key> class recordings {
  public:
    explicit recordings(Device& device) : device_(device) {}

    // Runs put(), or replays its recording for this key. put() may launch kernels and clear memory in the device's
    // queue, the same for equal keys. It must neither allocate, copy from or to the host, nor wait.
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
    static constexpr std::size_t most = 64; // number of recordings that are kept

    struct entry {
        Key key;
        std::optional<typename Device::recording> recorded;
    };
    template <class F> bool record(entry& e, F put) {
        if (!device_.begin_recording()) return false;
        struct until_end {
            Device* device;
            ~until_end() {
                if (device) device->drop_recording(); // put() has thrown
            }
        } going{&device_};
        put();
        going.device = nullptr;
        e.recorded.emplace(device_.end_recording());
        return true;
    }

    Device& device_;
    std::list<entry> entries_; // most recently used first
};

} // namespace fovea
