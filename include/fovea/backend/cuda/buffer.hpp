// Memory of a device, and pinned host memory that the device can copy asynchronously.
#pragma once
#include <cstddef>
#include <utility>

#include "fovea/core/error.hpp"

namespace fovea {

enum class memory_place { device, host };

// Work in a lane of a device runs in order; different lanes run concurrently.
enum class device_lane { work, up, down };

// Owns memory that grows on demand and never shrinks. The device must outlive it.
template <class Device, memory_place Place> class device_buffer {
  public:
    explicit device_buffer(Device& device) : device_(device) {}
    ~device_buffer() { clear(); }
    device_buffer(const device_buffer&) = delete;
    device_buffer& operator=(const device_buffer&) = delete;

    // Makes room for at least this many bytes; the contents are lost if it grows. Returns false and is empty if there
    // is too little memory.
    bool try_reserve(std::size_t bytes) {
        if (bytes <= bytes_) return true;
        clear();
        data_ = static_cast<std::byte*>(device_.allocate(bytes, Place));
        bytes_ = data_ ? bytes : 0;
        return data_ != nullptr;
    }
    void reserve(std::size_t bytes, const char* what) {
        if (!try_reserve(bytes))
            fail("out of ", Place == memory_place::device ? "memory of the GPU" : "pinned memory of the host", " for ",
                 what, ": ", bytes >> 20, " MB were not free");
    }
    void clear() {
        if (data_) device_.release(data_, Place);
        data_ = nullptr, bytes_ = 0;
    }
    std::byte* data() const { return data_; }
    std::size_t bytes() const { return bytes_; }

  private:
    Device& device_;
    std::byte* data_ = nullptr;
    std::size_t bytes_ = 0;
};

} // namespace fovea
