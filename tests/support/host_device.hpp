// The GPU's kernels as loops on the host, so that they are tested where there is none; and a device made of them, whose
// memory is as small as a test wants it.
#pragma once
#include <atomic>
#include <cstdlib>
#include <functional>
#include <vector>

#include "fovea/distributed/training_group.hpp"
#include "fovea/engine/cuda/engine.hpp"

namespace fovea_test {

// Whatever is put into a lane waits there until somebody has to wait for it, so that what was not waited for shows:
// memory of the host that is written too early, a lane that reads what another has yet to write. With eager_copies
// copies run as soon as what their lane waits for is done: then they overwrite what a kernel has yet to read.
struct host_device {
    static inline std::size_t memory = std::size_t{1} << 40; // of a device that is made
    static inline std::size_t pretended = 0;                 // more is said to be free than there is
    static inline bool eager_copies = false;
    static inline std::atomic<int> launches = 0, replays = 0;
    static inline std::atomic<std::size_t> downloaded = 0; // bytes

    bool records = true; // else nothing is recorded

    ~host_device() { wait(); }

    template <class Kernel> static void launch(void* queue, const Kernel& k, int blocks) {
        const auto run = [k, blocks] {
            ++launches;
            fovea::run_blocks_on_host(k, blocks);
        };
        put(queue, run);
    }
    static void put(void* queue, std::function<void()> work) { // no queue: where there is no device either
        auto* const device = static_cast<host_device*>(queue);
        device ? device->put_work(std::move(work)) : work();
    }
    static inline fovea::device_limits pretended_limits{4, 163 << 10};
    static fovea::device_limits limits() { return pretended_limits; }
    void* queue() { return this; }

    using recording = std::vector<std::function<void()>>;
    bool begin_recording() {
        if (records) recorded = recording(), is_recording = true;
        return records;
    }
    recording end_recording() {
        is_recording = false;
        return std::move(recorded);
    }
    void drop_recording() noexcept { is_recording = false; }
    void replay(const recording& r) {
        ++replays;
        for (auto& work : r) put_work(work);
    }

    // Bytes before those given hold their number.
    void* allocate(std::size_t bytes, fovea::memory_place place) {
        check_runs("allocated");
        if (place == fovea::memory_place::device) {
            if (bytes > left) return nullptr;
            left -= bytes;
        }
        auto* const all = static_cast<std::byte*>(std::malloc(bytes + header));
        std::memcpy(all, &bytes, sizeof bytes);
        std::memset(all + header, 0xff, bytes);
        return all + header;
    }
    void release(void* at, fovea::memory_place place) noexcept {
        if (place == fovea::memory_place::device) wait(); // as CUDA does; memory of the host is its user's affair
        std::byte* const all = static_cast<std::byte*>(at) - header;
        std::size_t bytes = 0;
        std::memcpy(&bytes, all, sizeof bytes);
        if (place == fovea::memory_place::device) left += bytes;
        std::free(all);
    }
    std::size_t free_bytes() { return left + pretended; }
    void upload(void* to, const void* from, std::size_t bytes, fovea::device_lane lane = fovea::device_lane::work) {
        check_runs("uploaded");
        put(lane, [=] { std::memcpy(to, from, bytes); });
    }
    void download(void* to, const void* from, std::size_t bytes, fovea::device_lane lane = fovea::device_lane::work) {
        check_runs("downloaded");
        downloaded += bytes;
        put(lane, [=] { std::memcpy(to, from, bytes); });
    }
    void clear(void* to, std::size_t bytes) {
        put_work([=] { std::memset(to, 0, bytes); });
    }

    struct event {
        std::size_t lane = 0, count = 0; // the first `count` of the lane
    };
    void mark(event& e, fovea::device_lane lane) {
        check_runs("marked");
        e = {std::size_t(lane), lanes[std::size_t(lane)].size()};
    }
    void await(const event& e, fovea::device_lane lane) {
        check_runs("awaited");
        put(lane, [this, e] { run_until(e.lane, e.count); });
    }
    void wait(const event& e) {
        check_runs("waited");
        run_until(e.lane, e.count);
    }
    void wait() {
        check_runs("waited");
        for (std::size_t lane = 0; lane < 3; ++lane) run_until(lane, lanes[lane].size());
    }

    void settle() noexcept { wait(); }

    // As late as they may, or with eager_copies as early.
    void join(fovea::training_group& g) { group = &g; }
    template <class Number> void sum(Number* at, std::size_t count) {
        put_work([this, at, count] {
            summed += count, ++sums;
            late_sums.push_back([this, at, count] { group->sum(std::span(at, count)); });
            if (eager_copies) run_sums();
        });
    }
    void await_sums() {
        put_work([this] { run_sums(); });
    }
    static inline std::atomic<std::size_t> summed = 0; // numbers
    static inline std::atomic<int> sums = 0;

  private:
    void run_sums() {
        for (auto& one : std::exchange(late_sums, {})) one();
    }
    void put(fovea::device_lane lane, std::function<void()> work) {
        const auto number = std::size_t(lane);
        lanes[number].push_back(std::move(work));
        if (eager_copies && lane != fovea::device_lane::work) run_until(number, lanes[number].size());
    }
    void put_work(std::function<void()> work) {
        if (is_recording) return recorded.push_back(std::move(work));
        put(fovea::device_lane::work, std::move(work));
    }
    void run_until(std::size_t lane, std::size_t count) {
        while (done[lane] < count) {
            const auto work = std::exchange(lanes[lane][done[lane]], nullptr);
            work(); // may run others of other lanes
            ++done[lane];
        }
    }

    void check_runs(const char* what) const {
        if (is_recording) fovea::fail("a recording of kernels ", what, ": expected launches and memory to clear");
    }

    static constexpr std::size_t header = 64;
    std::size_t left = memory;
    std::vector<std::function<void()>> lanes[3]; // all that was ever put there
    std::size_t done[3] = {};                    // of each lane
    recording recorded, late_sums;
    fovea::training_group* group = nullptr;
    bool is_recording = false;
};

struct copies_are_eager { // while it lives
    copies_are_eager() { host_device::eager_copies = true; }
    ~copies_are_eager() { host_device::eager_copies = false; }
};

// Kernels by the executor of the host, and by an engine as on a GPU.
using device_on_host = fovea::on_device<host_device>;
struct engine_on_host : device_on_host {};

inline std::unique_ptr<fovea::engine> make_engine(engine_on_host, const fovea::graph& g, const fovea::weight_store& w) {
    return std::make_unique<fovea::device_engine<engine_on_host>>(g, w, std::make_unique<host_device>());
}

// The same without recordings.
struct engine_unrecorded : device_on_host {};

inline std::unique_ptr<fovea::engine> make_engine(engine_unrecorded, const fovea::graph& g,
                                                  const fovea::weight_store& w) {
    auto device = std::make_unique<host_device>();
    device->records = false;
    return std::make_unique<fovea::device_engine<engine_unrecorded>>(g, w, std::move(device));
}

} // namespace fovea_test
