// The GPU's kernels as loops on the host, so that they are tested where there is none; and a device made of them, whose
// memory is as small as a test wants it.
#pragma once
#include <cstdlib>
#include <functional>
#include <vector>

#include "fovea/backend/cuda/engine.hpp"

namespace fovea_test {

struct host_device {
    static inline std::size_t memory = std::size_t{1} << 40; // of a device that is made
    static inline std::size_t pretended = 0;                 // more is said to be free than there is
    static inline int launches = 0, replays = 0;
    static inline std::size_t downloaded = 0; // bytes

    bool records = true; // else whatever is put into the queue runs at once

    template <class Kernel> static void launch(void* queue, const Kernel& k, int blocks) {
        put(queue, [k, blocks] {
            ++launches;
            fovea::run_blocks_on_host(k, blocks);
        });
    }
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
        for (auto& work : r) work();
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
        std::byte* const all = static_cast<std::byte*>(at) - header;
        std::size_t bytes = 0;
        std::memcpy(&bytes, all, sizeof bytes);
        if (place == fovea::memory_place::device) left += bytes;
        std::free(all);
    }
    std::size_t free_bytes() { return left + pretended; }
    void upload(void* to, const void* from, std::size_t bytes) {
        check_runs("uploaded");
        std::memcpy(to, from, bytes);
    }
    void download(void* to, const void* from, std::size_t bytes) {
        check_runs("downloaded");
        downloaded += bytes;
        std::memcpy(to, from, bytes);
    }
    void clear(void* to, std::size_t bytes) {
        put(this, [to, bytes] { std::memset(to, 0, bytes); });
    }
    void wait() { check_runs("waited"); }

    template <class F> static void put(void* queue, F work) { // no queue: where there is no device either
        auto* const device = static_cast<host_device*>(queue);
        device && device->is_recording ? device->recorded.push_back(work) : work();
    }

  private:
    void check_runs(const char* what) const {
        if (is_recording) fovea::fail("a recording of kernels ", what, ": expected launches and memory to clear");
    }

    static constexpr std::size_t header = 64;
    std::size_t left = memory;
    recording recorded;
    bool is_recording = false;
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
