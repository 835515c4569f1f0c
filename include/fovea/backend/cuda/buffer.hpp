// Memory of a device, and pinned host memory that the device can copy asynchronously.
//
// The Device type, of which backend/cuda/device.cuh is the one for GPUs:
//
//   void* queue();                                    the queue of kernels (lane `work`)
//   template <class K> static void launch(void* queue, const K&, int blocks);
//   static device_limits limits();                    of the device on which kernels are launched
//   void* allocate(std::size_t bytes, memory_place);  null if there is too little memory
//   void release(void*, memory_place) noexcept;
//   std::size_t free_bytes();                         free memory of the device
//   void upload(void* to, const void* from, std::size_t bytes, device_lane = work), download(...);
//                                                     the host side is memory_place::host
//   void clear(void* to, std::size_t bytes);          fills with zeros
//   event                                             a point in a lane
//   void mark(event&, device_lane);                   sets it behind all work that is in the lane now
//   void await(const event&, device_lane);            later work in the lane runs after the event
//   void wait(const event&), wait();                  blocks until the event, or until all lanes are empty; throws
//                                                     the error of failed work
//   void settle() noexcept;                           wait() for callers that ignore errors
//   bool begin_recording();                           records the queue's work instead of running it; false: this
//                                                     device cannot record
//   recording end_recording();
//   void drop_recording() noexcept;                   ends and discards it
//   void replay(const recording&);                    queues recorded work
//
// With a library of convolutions, which then computes those in 16 bits and TF32:
//
//   void open_convolutions();                         throws if the library cannot be used
//   const convolution_plan* find_convolution(const library_convolution&, const notice_function&);
//                                                     null if the library has no kernel; measures new shapes
//   void save_convolutions(const notice_function&);   keeps the measurements for the next run
//
// With training in several processes:
//
//   void join(training_group&);                       joins the devices, one in each process
//   void sum(float* or double* at, std::size_t count);
//                                                     all-reduce of numbers, after the work that is in the queue now
//                                                     and overlapping with later work; may be recorded
//   void await_sums();                                later work in the queue runs after the sums
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
