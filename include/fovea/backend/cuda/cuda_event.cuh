// Messages for failures of the CUDA runtime, and a point in a stream.
#pragma once
#include <cuda_runtime.h>

#include "fovea/core/error.hpp"

namespace fovea::detail {

inline void check_cuda(cudaError_t said, const char* doing) {
    if (said != cudaSuccess) fail("CUDA: ", doing, ": ", cudaGetErrorString(said), " (", cudaGetErrorName(said), ')');
}

// A CUDA event, created when it is first marked.
class cuda_event {
  public:
    cuda_event() = default;
    cuda_event(const cuda_event&) = delete;
    cuda_event& operator=(const cuda_event&) = delete;
    ~cuda_event() {
        if (event_) cudaEventDestroy(event_);
    }
    void mark(cudaStream_t stream) {
        if (!event_) check_cuda(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "making an event");
        check_cuda(cudaEventRecord(event_, stream), "marking a point in a stream");
    }
    cudaEvent_t get() const { return event_; } // null: never marked

  private:
    cudaEvent_t event_ = nullptr;
};

} // namespace fovea::detail
