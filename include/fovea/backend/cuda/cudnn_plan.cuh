// How cuDNN will run a graph: of the engines that its heuristics propose, the first that takes it. They can also be
// asked for a device that is only described, so that a graph can be checked where there is no GPU.
#pragma once
#include <string_view>

#include "fovea/backend/cuda/cudnn_descriptor.cuh"

namespace fovea {

// A device by its properties, in cuDNN's own notation: what it writes of a device as
// CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION.
inline cudnn_descriptor described_device(std::string_view json) {
    cudnn_descriptor d(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
    d.set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, json.data(), json.size());
    return std::move(d).finished();
}

// The engines that cuDNN's heuristics propose for a graph, best first, on the device of the graph's handle or on one
// that is described. It proposes none where it has none, and says why in `reason`; it needs the driver's library, of
// which the toolkit's stub is enough.
inline std::vector<cudnn_descriptor> cudnn_engines(const cudnn_descriptor& graph, cudnnBackendHeurMode_t mode,
                                                   const cudnn_descriptor* device, std::string& reason) {
    cudnn_descriptor heuristics(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    heuristics.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph).set(CUDNN_ATTR_ENGINEHEUR_MODE, mode);
    if (device) heuristics.set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, *device);
    std::vector<cudnn_descriptor> engines;
    if (const auto said = heuristics.try_finish(); said != CUDNN_STATUS_SUCCESS) {
        reason = detail::cudnn_reason(said);
        return engines;
    }
    const auto results = [&](std::int64_t room, cudnnBackendDescriptor_t* to) {
        std::int64_t count = 0;
        detail::check_cudnn(cudnnBackendGetAttribute(heuristics.raw(), CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                                     CUDNN_TYPE_BACKEND_DESCRIPTOR, room, &count, to),
                            "asking for engines");
        return count;
    };
    std::vector<cudnnBackendDescriptor_t> raw;
    for (std::int64_t i = results(0, nullptr); i > 0; --i)
        raw.push_back(engines.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR).raw());
    const std::int64_t given = raw.empty() ? 0 : results(std::int64_t(raw.size()), raw.data());
    engines.erase(engines.begin() + given, engines.end());
    if (engines.empty()) reason = "cuDNN proposes no engine";
    return engines;
}

// The first of the engines that takes the graph on the device of the handle. Throws where none does.
class cudnn_plan {
  public:
    cudnn_plan(const cudnn_descriptor& graph, cudnnHandle_t handle) {
        std::string reason;
        for (auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK})
            for (const cudnn_descriptor& engine : cudnn_engines(graph, mode, nullptr, reason)) {
                plan_ = cudnn_descriptor(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
                plan_.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, handle)
                    .set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, engine);
                const auto said = plan_.try_finish();
                if (said == CUDNN_STATUS_SUCCESS) return;
                reason = detail::cudnn_reason(said);
            }
        fail("cuDNN: no engine takes a convolution: ", reason);
    }

    std::size_t workspace() const { return std::size_t(plan_.integer(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE)); }

    // Puts the graph into the handle's stream, with the tensors `ids` at `pointers` in the device's memory.
    void run(cudnnHandle_t handle, const std::vector<std::int64_t>& ids, const std::vector<void*>& pointers,
             void* workspace) const {
        cudnn_descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
        pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, ids)
            .set_pointers(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, pointers)
            .set_pointers(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, {workspace});
        detail::check_cudnn(pack.try_finish(), "the tensors of a run");
        detail::check_cudnn(cudnnBackendExecute(handle, plan_.raw(), pack.raw()), "putting a graph into the queue");
    }

  private:
    cudnn_descriptor plan_{CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR};
};

} // namespace fovea
