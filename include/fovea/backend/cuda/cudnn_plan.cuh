// The engines that cuDNN's heuristics propose for a graph, and execution plans for them. Both also work for a device
// that is only described, so that graphs can be checked without a GPU.
#pragma once
#include <algorithm>
#include <optional>
#include <string_view>

#include "fovea/backend/cuda/cudnn_descriptor.cuh"

namespace fovea {

// A device described by its properties, in the JSON form of CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION.
inline cudnn_descriptor described_device(std::string_view json) {
    cudnn_descriptor d(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
    d.set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, json.data(), json.size());
    return std::move(d).finished();
}

// Returns the engines that cuDNN proposes for a graph, best first, on the device of the graph's handle or on a
// described one. If it has none, `reason` says why. Needs the driver's library; the toolkit's stub suffices.
inline std::vector<cudnn_descriptor> cudnn_engines(const cudnn_descriptor& graph, cudnnBackendHeurMode_t mode,
                                                   const cudnn_descriptor* device, std::string& reason) {
    cudnn_descriptor heuristics(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    heuristics.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph).set(CUDNN_ATTR_ENGINEHEUR_MODE, mode);
    if (device) heuristics.set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, *device);
    if (const auto said = heuristics.try_finish(); said != CUDNN_STATUS_SUCCESS) {
        reason = detail::cudnn_reason(said);
        return {};
    }
    auto engines =
        heuristics.descriptors(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, "asking for engines");
    if (engines.empty()) reason = "cuDNN proposes no engine";
    return engines;
}

// Returns whether an engine sums in float32, deterministically, and without transforming its inputs (as Winograd does).
inline bool sums_as_asked(const cudnn_descriptor& engine) {
    const auto of = engine.descriptors(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_BACKEND_ENGINE_DESCRIPTOR, "of an engine");
    const auto notes = of.front().values<cudnnBackendNumericalNote_t>(
        CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_NUMERICAL_NOTE_TYPE_COUNT, "asking how an engine computes");
    return std::ranges::all_of(notes, [](auto note) {
        return note == CUDNN_NUMERICAL_NOTE_TENSOR_CORE || note == CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP;
    });
}

class cudnn_plan {
  public:
    // Makes the plan of an engine, on the handle's device or on a described one. Returns nothing if it does not support
    // the graph.
    static std::optional<cudnn_plan> of(const cudnn_descriptor& engine, cudnnHandle_t handle,
                                        const cudnn_descriptor* device, std::string& reason) {
        cudnn_descriptor d(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
        d.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, engine);
        return finished(std::move(d), handle, device, reason);
    }
    // Restores a plan from the result of text().
    static std::optional<cudnn_plan> of(std::string_view text, cudnnHandle_t handle, const cudnn_descriptor* device,
                                        std::string& reason) {
        cudnn_descriptor d(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
        const auto said = d.try_set(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, text.data(), text.size());
        if (said == CUDNN_STATUS_SUCCESS) return finished(std::move(d), handle, device, reason);
        reason = detail::cudnn_reason(said);
        return {};
    }

    std::size_t workspace() const {
        return std::size_t(plan_.values<std::int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, 1, what).at(0));
    }
    std::string text() const {
        const auto all = plan_.values<char>(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, 0, what);
        return {all.data(), all.size()};
    }

    // Queues the graph in the handle's stream, with the tensors `ids` at the device addresses `pointers`. Returns the
    // status instead of throwing, because a plan may turn out not to run.
    cudnnStatus_t run(cudnnHandle_t handle, const std::vector<std::int64_t>& ids, const std::vector<void*>& pointers,
                      void* workspace) const {
        cudnn_descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
        pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, ids)
            .set_pointers(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, pointers)
            .set_pointers(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, {workspace});
        detail::check_cudnn(pack.try_finish(), "the tensors of a run");
        return cudnnBackendExecute(handle, plan_.raw(), pack.raw());
    }

  private:
    static constexpr auto what = "reading a plan";

    explicit cudnn_plan(cudnn_descriptor d) : plan_(std::move(d)) {}
    static std::optional<cudnn_plan> finished(cudnn_descriptor d, cudnnHandle_t handle, const cudnn_descriptor* device,
                                              std::string& reason) {
        if (device)
            d.set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, *device);
        else
            d.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, handle);
        const auto said = d.try_finish();
        if (said == CUDNN_STATUS_SUCCESS) return cudnn_plan(std::move(d));
        reason = detail::cudnn_reason(said);
        return {};
    }

    cudnn_descriptor plan_;
};

} // namespace fovea
