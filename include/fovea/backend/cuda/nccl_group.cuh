// All-reduce over the GPUs of several processes, one GPU each, by NCCL, in a stream of its own that overlaps with the
// kernels. The processes find each other by a training_group. No wait for another process exceeds the group's deadline;
// NCCL's work is aborted then.
#pragma once
#include <cuda_runtime.h>
#include <nccl.h>

#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "fovea/backend/cuda/cuda_event.cuh"
#include "fovea/distributed/training_group.hpp"

namespace fovea {

class nccl_group {
  public:
    // Uses the GPU that this thread has chosen. The group must outlive it.
    explicit nccl_group(training_group& group) : group_(group) {
        detail::check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream");
        ncclUniqueId id{};
        if (group.is_first()) check_said(ncclGetUniqueId(&id), "beginning");
        group.broadcast(std::as_writable_bytes(std::span(&id, 1)));
        ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
        config.blocking = 0;
        settle(ncclCommInitRankConfig(&communicator_, group.size(), id, group.rank(), &config), "connecting the GPUs");
    }
    ~nccl_group() {
        if (communicator_) end();
        cudaStreamDestroy(stream_);
    }
    nccl_group(const nccl_group&) = delete;
    nccl_group& operator=(const nccl_group&) = delete;

    // Sums in place, after all work that is in the stream `work` now.
    void sum(float* at, std::size_t count, cudaStream_t work) { sum(at, count, ncclFloat32, work); }
    void sum(double* at, std::size_t count, cudaStream_t work) { sum(at, count, ncclFloat64, work); }
    // Later work in the stream `work` runs after the sums.
    void await(cudaStream_t work) {
        done_.mark(stream_);
        detail::check_cuda(cudaStreamWaitEvent(work, done_.get(), 0), "waiting in a stream");
    }

    // Waits while asked() returns cudaErrorNotReady. Throws if a process has ended or the deadline passes.
    template <class F> void wait(F asked) {
        patience waiting(*this);
        while (asked() == cudaErrorNotReady) {
            ncclResult_t said = ncclSuccess;
            if (communicator_) ncclCommGetAsyncError(communicator_, &said);
            if (said != ncclSuccess && said != ncclInProgress) give_up(text_of_error(said, "summing gradients"));
            waiting.go_on("summing gradients");
        }
    }

  private:
    using clock = std::chrono::steady_clock;

    // Sleeps between polls, and checks the other processes from time to time.
    class patience {
      public:
        explicit patience(nccl_group& g) : g_(g) {}
        void go_on(const char* doing) {
            const auto now = clock::now();
            if (now - looked_ > std::chrono::milliseconds(100)) {
                looked_ = now;
                const std::string gone = reason_of_failure([&] { g_.group_.check(); });
                if (!gone.empty()) g_.give_up(gone);
            }
            if (std::chrono::duration<double>(now - begun_).count() > g_.group_.deadline())
                g_.give_up(text_of("NCCL: ", doing, " took longer than ", int(g_.group_.deadline()),
                                   " s: expected all processes to come to the same step"));
            std::this_thread::sleep_for(std::chrono::microseconds(20));
        }

      private:
        nccl_group& g_;
        clock::time_point begun_ = clock::now(), looked_ = begun_;
    };

    void sum(void* at, std::size_t count, ncclDataType_t type, cudaStream_t work) {
        if (!communicator_) fail("NCCL: summing gradients after the processes have lost each other");
        before_.mark(work);
        detail::check_cuda(cudaStreamWaitEvent(stream_, before_.get(), 0), "waiting in a stream");
        settle(ncclAllReduce(at, at, count, type, ncclSum, communicator_, stream_), "summing gradients");
    }
    // Waits until NCCL has finished an asynchronous request.
    void settle(ncclResult_t said, const char* doing) {
        patience waiting(*this);
        while (said == ncclInProgress) {
            waiting.go_on(doing);
            check_said(ncclCommGetAsyncError(communicator_, &said), doing);
        }
        check_said(said, doing);
    }
    void check_said(ncclResult_t said, const char* doing) {
        if (said != ncclSuccess) give_up(text_of_error(said, doing));
    }
    std::string text_of_error(ncclResult_t said, const char* doing) const {
        const std::string more = communicator_ ? ncclGetLastError(communicator_) : "";
        return text_of("NCCL: ", doing, ": ", ncclGetErrorString(said), more.empty() ? "" : ": " + one_line(more));
    }
    static std::string one_line(std::string text) {
        while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
        for (char& c : text)
            if (c == '\n') c = ' ';
        return text;
    }
    // Aborts kernels that wait for other processes, and throws; no sums are possible afterwards.
    [[noreturn]] void give_up(const std::string& reason) {
        if (communicator_) ncclCommAbort(std::exchange(communicator_, nullptr));
        fail(reason);
    }
    void end() noexcept {
        const auto until = clock::now() + std::chrono::seconds(10);
        ncclResult_t said = ncclCommFinalize(communicator_);
        while (said == ncclInProgress && clock::now() < until) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
            if (ncclCommGetAsyncError(communicator_, &said) != ncclSuccess) said = ncclSystemError;
        }
        said == ncclSuccess ? ncclCommDestroy(communicator_) : ncclCommAbort(communicator_);
    }

    training_group& group_;
    ncclComm_t communicator_ = nullptr;
    cudaStream_t stream_ = nullptr;
    detail::cuda_event before_, done_;
};

} // namespace fovea
