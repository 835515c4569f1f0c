// The weights of a network that runs on a device.
#pragma once
#include <cstring>
#include <vector>

#include "fovea/backend/cuda/buffer.hpp"
#include "fovea/graph/weights.hpp"

namespace fovea {

// The weights of a graph in device memory.
template <class Device> class device_weights {
  public:
    device_weights(Device& device, const graph& g, const weight_store& weights)
        : memory_(device), offsets_(g.weights.size()) {
        std::size_t all = 0;
        for (std::size_t i = 0; i < offsets_.size(); ++i) {
            offsets_[i] = all;
            all += (weights.bytes(int(i)) + alignment - 1) / alignment * alignment;
        }
        if (all == 0) return;
        memory_.reserve(all, "weights");
        device_buffer<Device, memory_place::host> staging(device);
        staging.reserve(all, "weights");
        for (std::size_t i = 0; i < offsets_.size(); ++i)
            if (const std::size_t bytes = weights.bytes(int(i)))
                std::memcpy(staging.data() + offsets_[i], weights[int(i)], bytes);
        device.upload(memory_.data(), staging.data(), all);
        device.wait();
    }
    const std::byte* operator[](int i) const { return i < 0 ? nullptr : memory_.data() + offsets_[std::size_t(i)]; }

  private:
    static constexpr std::size_t alignment = 256; // the alignment that cudaMalloc guarantees
    device_buffer<Device, memory_place::device> memory_;
    std::vector<std::size_t> offsets_;
};

} // namespace fovea
