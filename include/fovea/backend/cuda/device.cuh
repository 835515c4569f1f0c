// A GPU: its memory, its streams, and kernel launches. Every failure causes an error of one line that says what failed
// and what was expected.
#pragma once
#include <cuda_runtime.h>

#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "fovea/backend/cuda/blocks.hpp"
#include "fovea/backend/cuda/buffer.hpp"
#include "fovea/backend/cuda/cuda_event.cuh"
#include "fovea/backend/cuda/numbers.hpp"
#include "fovea/distributed/training_group.hpp"
#if FOVEA_WITH_CUDNN
#include "fovea/backend/cuda/cudnn_convolutions.cuh"
#endif
#if FOVEA_WITH_NCCL
#include "fovea/backend/cuda/nccl_group.cuh"
#endif

namespace fovea {

namespace detail {

inline std::string cuda_version_text(int version) { return text_of(version / 1000, '.', version % 1000 / 10); }

// Explains why no GPU can be used, from the runtime's error. driver: the CUDA version that the driver supports, 0
// without driver; runtime: the CUDA version of this build.
inline std::string reason_without_gpu(cudaError_t said, int driver, int runtime) {
    const std::string wanted = cuda_version_text(runtime);
    if (said == cudaErrorInsufficientDriver && driver == 0)
        return text_of("this machine has no NVIDIA driver: expected one for CUDA ", wanted, " or later");
    if (said == cudaErrorInsufficientDriver)
        return text_of("the NVIDIA driver is for CUDA ", cuda_version_text(driver), ": expected one for CUDA ", wanted,
                       " or later");
    if (said == cudaErrorNoDevice)
        return "no GPU is to be seen: expected one with an NVIDIA driver, and not hidden by CUDA_VISIBLE_DEVICES";
    return text_of(cudaGetErrorString(said), " (", cudaGetErrorName(said), ')');
}

// Static shared memory is limited to 48 KiB; larger kernels get dynamic shared memory at launch.
template <class Kernel> inline constexpr bool asks_for_memory = sizeof(typename Kernel::shared) > 48 << 10;

template <class Kernel> __device__ typename Kernel::shared& memory_of_block() {
    if constexpr (asks_for_memory<Kernel>) {
        extern __shared__ four_numbers given[];
        return *reinterpret_cast<typename Kernel::shared*>(given);
    } else {
        __shared__ typename Kernel::shared declared;
        return declared;
    }
}

// Runs a functor (backend/cuda/blocks.hpp) as a kernel.
template <class Kernel>
__global__ void __launch_bounds__(Kernel::threads) run_blocks(const __grid_constant__ Kernel k) {
    typename Kernel::shared& shared = memory_of_block<Kernel>();
    typename Kernel::own own;
    const int phases = k.phases();
    for (int phase = 0; phase < phases; ++phase) {
        if (phase > 0) __syncthreads();
        k(phase, int(blockIdx.x), int(threadIdx.x), shared, own);
    }
}

struct nothing_to_do {
    static constexpr int threads = 1;
    using shared = nothing_kept;
    using own = nothing_kept;
    FOVEA_HOST_DEVICE int phases() const { return 0; }
    FOVEA_HOST_DEVICE void operator()(int, int, int, shared&, own&) const {}
};

// Recorded kernels as an executable CUDA graph.
class cuda_recording {
  public:
    explicit cuda_recording(cudaGraph_t graph) {
        const cudaError_t said = cudaGraphInstantiate(&executable_, graph, 0);
        cudaGraphDestroy(graph);
        check_cuda(said, "preparing a graph of kernels");
    }
    cuda_recording(cuda_recording&& other) noexcept : executable_(std::exchange(other.executable_, nullptr)) {}
    cuda_recording& operator=(cuda_recording&&) = delete;
    ~cuda_recording() {
        if (executable_) cudaGraphExecDestroy(executable_);
    }
    cudaGraphExec_t executable() const { return executable_; }

  private:
    cudaGraphExec_t executable_ = nullptr;
};

} // namespace detail

// The number of usable GPUs, or why there is none.
struct gpus_found {
    int count = 0;
    std::string reason{}; // set if count is 0
};
inline gpus_found find_gpus() {
    gpus_found found;
    int driver = 0, runtime = 0;
    const cudaError_t said = cudaGetDeviceCount(&found.count);
    if (said == cudaSuccess && found.count > 0) return found;
    cudaDriverGetVersion(&driver);
    cudaRuntimeGetVersion(&runtime);
    cudaGetLastError(); // clears the handled error
    return {0, detail::reason_without_gpu(said == cudaSuccess ? cudaErrorNoDevice : said, driver, runtime)};
}

// Only one host thread at a time may use an object. Throws if the machine has no such GPU or this build no code for it.
class cuda_device {
  public:
    // records: launches repeated work as CUDA graphs instead of single kernels.
    // Uses the first GPU, unless this thread has chosen another before (cudaSetDevice) or `index` is given.
    explicit cuda_device(int index = chosen(), bool records = true) : index_(index), records_(records) {
        const gpus_found found = find_gpus();
        if (found.count == 0) fail("CUDA: ", found.reason);
        if (index < 0 || index >= found.count)
            fail("CUDA: GPU number ", index, ": expected 0 to ", found.count - 1, " on this machine");
        detail::check_cuda(cudaSetDevice(index), "opening the GPU");
        detail::check_cuda(cudaGetDeviceProperties(&properties_, index), "asking for the GPU's properties");
        check_code();
        for (auto& stream : streams_)
            detail::check_cuda(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "making a stream");
    }
    ~cuda_device() {
#if FOVEA_WITH_CUDNN
        convolutions_.reset(); // before the streams, which they use
#endif
#if FOVEA_WITH_NCCL
        group_.reset();
#endif
        for (auto stream : streams_) cudaStreamDestroy(stream);
    }
    cuda_device(const cuda_device&) = delete;
    cuda_device& operator=(const cuda_device&) = delete;

    const char* name() const { return properties_.name; }
    void* queue() const { return stream(device_lane::work); }

    template <class Kernel> static void launch(void* queue, const Kernel& k, int blocks) {
        std::size_t bytes = 0;
        if constexpr (detail::asks_for_memory<Kernel>) {
            bytes = sizeof(typename Kernel::shared);
            detail::check_cuda(cudaFuncSetAttribute(detail::run_blocks<Kernel>,
                                                    cudaFuncAttributeMaxDynamicSharedMemorySize, int(bytes)),
                               "asking for a block's memory");
        }
        detail::run_blocks<<<unsigned(blocks), unsigned(Kernel::threads), bytes, static_cast<cudaStream_t>(queue)>>>(k);
        detail::check_cuda(cudaGetLastError(), "putting a kernel into the queue");
    }
    // The limits of the GPU that this thread has chosen. Without a GPU they are zero, and the constructor reports the
    // error.
    static device_limits limits() {
        int index = 0, multiprocessors = 0, bytes = 0;
        if (cudaGetDevice(&index) != cudaSuccess ||
            cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, index) != cudaSuccess ||
            cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, index) != cudaSuccess) {
            cudaGetLastError(); // clears the handled error
            return {};
        }
        return {multiprocessors, std::size_t(bytes)};
    }

    void* allocate(std::size_t bytes, memory_place place) {
        void* at = nullptr;
        select();
        const cudaError_t said = place == memory_place::device ? cudaMalloc(&at, bytes) : cudaMallocHost(&at, bytes);
        if (said == cudaErrorMemoryAllocation) {
            cudaGetLastError(); // clears the handled error
            return nullptr;
        }
        detail::check_cuda(said, "allocating memory");
        return at;
    }
    void release(void* at, memory_place place) noexcept {
        place == memory_place::device ? cudaFree(at) : cudaFreeHost(at);
    }
    std::size_t free_bytes() {
        std::size_t free = 0, all = 0;
        select();
        detail::check_cuda(cudaMemGetInfo(&free, &all), "asking for free memory");
        return free;
    }
    void upload(void* to, const void* from, std::size_t bytes, device_lane lane = device_lane::work) {
        copy(to, from, bytes, cudaMemcpyHostToDevice, lane);
    }
    void download(void* to, const void* from, std::size_t bytes, device_lane lane = device_lane::work) {
        copy(to, from, bytes, cudaMemcpyDeviceToHost, lane);
    }
    void clear(void* to, std::size_t bytes) {
        detail::check_cuda(cudaMemsetAsync(to, 0, bytes, stream(device_lane::work)), "clearing memory");
    }

    using event = detail::cuda_event;
    void mark(event& e, device_lane lane) { e.mark(stream(lane)); }
    void await(const event& e, device_lane lane) {
        if (e.get()) detail::check_cuda(cudaStreamWaitEvent(stream(lane), e.get(), 0), "waiting in a stream");
    }
    void wait(const event& e) {
        if (!e.get()) return;
        wait_for_processes([&] { return cudaEventQuery(e.get()); });
        detail::check_cuda(cudaEventSynchronize(e.get()), "running a network");
    }
    void wait() {
        for (auto stream : streams_) {
            wait_for_processes([&] { return cudaStreamQuery(stream); });
            detail::check_cuda(cudaStreamSynchronize(stream), "running a network");
        }
    }
    void settle() noexcept {
        reason_of_failure([&] { wait(); });
        for (auto stream : streams_) cudaStreamSynchronize(stream);
    }

    // Throws if this build cannot train on several GPUs.
    static void check_joins() {
#if !FOVEA_WITH_NCCL
        fail(
            "CUDA: several processes: this build has no NCCL: expected one process, or a build where CMake finds NCCL");
#endif
    }
#if FOVEA_WITH_NCCL
    void join(training_group& g) {
        if (!group_) select(), group_.emplace(g);
    }
    template <class Number> void sum(Number* at, std::size_t count) {
        group_->sum(at, count, stream(device_lane::work));
    }
    void await_sums() { group_->await(stream(device_lane::work)); }
#else
    void join(training_group&) { check_joins(); }
    template <class Number> void sum(Number*, std::size_t) {} // there is one process
    void await_sums() {}
#endif

    using recording = detail::cuda_recording;
    bool begin_recording() {
        if (records_)
            detail::check_cuda(cudaStreamBeginCapture(stream(device_lane::work), cudaStreamCaptureModeThreadLocal),
                               "recording kernels");
        return records_;
    }
    recording end_recording() {
        cudaGraph_t graph = nullptr;
        detail::check_cuda(cudaStreamEndCapture(stream(device_lane::work), &graph), "recording kernels");
        return recording(graph);
    }
    void drop_recording() noexcept {
        cudaGraph_t graph = nullptr;
        if (cudaStreamEndCapture(stream(device_lane::work), &graph) == cudaSuccess) cudaGraphDestroy(graph);
        cudaGetLastError(); // clears the error; the caller has one of its own
    }
    void replay(const recording& r) {
        detail::check_cuda(cudaGraphLaunch(r.executable(), stream(device_lane::work)),
                           "putting a graph of kernels into the queue");
    }

#if FOVEA_WITH_CUDNN
    void open_convolutions() {
        if (!convolutions_) select(), convolutions_.emplace(stream(device_lane::work), name());
    }
    const convolution_plan* find_convolution(const library_convolution& l, const notice_function& say) {
        return convolutions_->find(l, say);
    }
    void save_convolutions(const notice_function& say) { convolutions_->save(say); }
#endif

  private:
    static int chosen() {
        int index = 0;
        if (cudaGetDevice(&index) == cudaSuccess) return index;
        cudaGetLastError(); // clears the handled error
        return 0;
    }
    // Waits for work that includes sums over processes, and throws if one of those has ended.
    template <class F> void wait_for_processes([[maybe_unused]] F asked) {
#if FOVEA_WITH_NCCL
        if (group_) group_->wait(asked);
#endif
    }
    void check_code() {
        cudaFuncAttributes unused{};
        const cudaError_t said = cudaFuncGetAttributes(&unused, detail::run_blocks<detail::nothing_to_do>);
        if (said == cudaErrorNoKernelImageForDevice || said == cudaErrorInvalidDeviceFunction)
            fail("CUDA: this build has no code for ", properties_.name, " (compute capability ", properties_.major, '.',
                 properties_.minor, "): expected 8.0 or later, built with CMAKE_CUDA_ARCHITECTURES for it");
        detail::check_cuda(said, "asking for the code of a kernel");
    }
    void select() { detail::check_cuda(cudaSetDevice(index_), "choosing the GPU"); }
    cudaStream_t stream(device_lane lane) const { return streams_[std::size_t(lane)]; }
    void copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, device_lane lane) {
        detail::check_cuda(cudaMemcpyAsync(to, from, bytes, kind, stream(lane)), "copying memory");
    }

    int index_;
    bool records_;
    cudaDeviceProp properties_{};
    std::array<cudaStream_t, 3> streams_{}; // indexed by device_lane
#if FOVEA_WITH_CUDNN
    std::optional<cudnn_convolutions> convolutions_;
#endif
#if FOVEA_WITH_NCCL
    std::optional<nccl_group> group_; // the processes that train together
#endif
};

} // namespace fovea
