// Which convolutions of a network a library computes instead of the device's own kernels: those whose numbers are
// rounded anyway, in 16 bits and in TF32.
#pragma once
#include <vector>

#include "fovea/backend/cuda/convolution_shape.hpp"
#include "fovea/core/notice.hpp"
#include "fovea/graph/graph.hpp"

namespace fovea {

template <class Device>
concept has_library = requires(Device d, const library_convolution& l, const notice_function& say) {
    d.open_convolutions();
    d.find_convolution(l, say);
    d.save_convolutions(say);
};

struct planned_convolution {
    const convolution_plan* plan = nullptr; // null: the device's own kernel computes it
    library_convolution of{};

    explicit operator bool() const { return plan != nullptr; }
    void run() const { plan->run(of); }
};

template <class Device> class library_convolutions {
  public:
    library_convolutions(Device& device, const graph& g)
        : device_(device), on_(g.precision != precision_kind::float32) {
        if constexpr (has_library<Device>) {
            if (on_) device.open_convolutions();
        } else if (g.precision == precision_kind::tensor_float32)
            fail("precision tf32: this build has no cuDNN, which computes it: expected float32, bf16 or fp16");
    }

    // For each call how it is run. Before any of them is in the queue: plans for a shape that is new are measured on
    // its tensors, and the host waits for them. So that is never while kernels are recorded: what is recorded was put
    // into the queue before.
    std::vector<planned_convolution> find(const std::vector<call>& calls, const notice_function& say) {
        std::vector<planned_convolution> found(calls.size());
        if constexpr (has_library<Device>) {
            if (!on_) return found;
            for (std::size_t i = 0; i < calls.size(); ++i)
                if (calls[i].a.method == convolution_method::library)
                    if (const auto l = library_convolution_of(calls[i]))
                        found[i] = {device_.find_convolution(*l, say), *l};
            device_.save_convolutions(say);
        }
        return found;
    }

  private:
    Device& device_;
    bool on_;
};

} // namespace fovea
