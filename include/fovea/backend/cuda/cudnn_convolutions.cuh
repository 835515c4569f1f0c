// Convolutions by cuDNN. For each shape, the engines that its heuristics propose are measured once on this GPU, and the
// fastest is kept in a file for the next run.
#pragma once
#include <cuda_runtime.h>

#include <limits>
#include <map>
#include <memory>

#include "fovea/backend/cuda/cudnn_convolution.cuh"
#include "fovea/backend/cuda/cudnn_plan.cuh"
#include "fovea/backend/cuda/plan_file.hpp"

namespace fovea {

namespace detail {

// The file of plans depends on the GPU and the version of cuDNN.
inline std::string plan_file_name(std::string gpu, int version) {
    for (char& c : gpu)
        if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
    return text_of("cudnn-", cudnn_version_text(version), '-', gpu, ".plans");
}

struct cudnn_handle {
    cudnn_handle() {
        check_cudnn_version();
        check_cudnn(cudnnCreate(&raw), "starting it");
    }
    ~cudnn_handle() { cudnnDestroy(raw); }
    cudnn_handle(const cudnn_handle&) = delete;
    cudnn_handle& operator=(const cudnn_handle&) = delete;
    cudnnHandle_t raw = nullptr;
};

class cudnn_event {
  public:
    cudnn_event() { check(cudaEventCreate(&event_)); }
    ~cudnn_event() { cudaEventDestroy(event_); }
    cudnn_event(const cudnn_event&) = delete;
    cudnn_event& operator=(const cudnn_event&) = delete;
    void record(cudaStream_t queue) { check(cudaEventRecord(event_, queue)); }
    float milliseconds_since(const cudnn_event& begin) {
        float time = 0;
        check(cudaEventSynchronize(event_)), check(cudaEventElapsedTime(&time, begin.event_, event_));
        return time;
    }

  private:
    static void check(cudaError_t said) {
        if (said != cudaSuccess) fail("CUDA: measuring a convolution: ", cudaGetErrorString(said));
    }
    cudaEvent_t event_ = nullptr;
};

} // namespace detail

class cudnn_convolutions {
  public:
    // Throws if the library does not fit this build or cannot start.
    cudnn_convolutions(cudaStream_t queue, const char* gpu)
        : queue_(queue), file_name_(detail::plan_file_name(gpu, int(cudnnGetVersion()))) {
        detail::check_cudnn(cudnnSetStream(handle_.raw, queue_), "choosing a stream");
        if (cudaMalloc(&workspace_, workspace_bytes) != cudaSuccess)
            fail("out of memory of the GPU for cuDNN: ", workspace_bytes >> 20, " MB were not free");
    }
    ~cudnn_convolutions() { cudaFree(workspace_); }

    // Returns the plan for a shape; null if no engine supports it. For a new shape the engines run on these tensors,
    // whose results are overwritten, and the host waits for them. The plan lives as long as this object.
    const convolution_plan* find(const library_convolution& l, const notice_function& say) {
        if (!cudnn_has(l.shape.activation)) return nullptr;
        const std::string name = l.shape.name();
        const auto known = plans_.find(name);
        if (known != plans_.end()) return known->second.get();
        if (!file_) {
            const auto folder = cache_folder();
            file_.emplace(folder.empty() ? folder : folder / file_name_, say);
        }
        auto found = from_file(l.shape);
        if (!found) {
            std::string reason;
            found = fastest(l, reason);
            if (found)
                file_->keep(name_in_file(l.shape, found->filters), found->plan.text());
            else if (say)
                say(text_of("cuDNN does not compute ", name, " (", reason, "): it is computed without tensor cores"));
        }
        auto& plan = plans_[name];
        if (found) plan = std::make_unique<cudnn_convolution_plan>(*this, std::move(*found));
        return plan.get();
    }
    // Keeps the plans that were found for the next run.
    void save(const notice_function& say) {
        if (file_) file_->save(say);
    }

  private:
    static constexpr std::size_t workspace_bytes = 32 << 20;
    static constexpr int most_candidates = 6, runs = 3;

    struct way {
        number_format filters;
        cudnn_plan plan;
    };
    struct cudnn_convolution_plan final : convolution_plan {
        cudnn_convolution_plan(const cudnn_convolutions& o, way w) : owner(o), how(std::move(w)) {}
        void run(const library_convolution& l) const override {
            detail::check_cudnn(owner.put(how.plan, l), "putting a convolution into the queue");
        }
        number_format filters() const override { return how.filters; }
        const cudnn_convolutions& owner;
        way how;
    };

    static std::string name_in_file(const convolution_shape& s, number_format filters) {
        return text_of(s.name(), ", filters ", int(filters));
    }

    cudnnStatus_t put(const cudnn_plan& plan, const library_convolution& l) const {
        using graph = cudnn_convolution_graph;
        std::vector<std::int64_t> ids{graph::x, graph::w, graph::y};
        std::vector<void*> pointers{l.x, l.w, l.y};
        if (l.b) ids.push_back(graph::b), pointers.push_back(l.b);
        if (l.skip) ids.push_back(graph::skip), pointers.push_back(l.skip);
        if (l.before) ids.push_back(graph::before), pointers.push_back(l.before);
        return plan.run(handle_.raw, ids, pointers, workspace_);
    }

    std::optional<way> from_file(const convolution_shape& s) const {
        std::string unused; // ignored: a plan that no longer works is measured again
        for (number_format filters : formats_of_filters(s)) {
            const std::string* text = file_->find(name_in_file(s, filters));
            auto plan = text ? cudnn_plan::of(*text, handle_.raw, nullptr, unused) : std::nullopt;
            if (plan && plan->workspace() <= workspace_bytes) return way{filters, std::move(*plan)};
        }
        return {};
    }

    std::optional<way> fastest(const library_convolution& l, std::string& reason) const {
        std::optional<way> best;
        float least = std::numeric_limits<float>::infinity();
        for (number_format filters : formats_of_filters(l.shape))
            for (cudnn_plan& candidate : candidates(l.shape, filters, reason)) {
                const float time = milliseconds(candidate, l);
                if (time < least) least = time, best = way{filters, std::move(candidate)};
            }
        return best;
    }
    std::vector<cudnn_plan> candidates(const convolution_shape& s, number_format filters, std::string& reason) const {
        std::vector<cudnn_plan> all;
        std::optional<cudnn_convolution_graph> graph;
        reason = reason_of_failure([&] { graph.emplace(s, filters, handle_.raw); });
        if (!graph) return all;
        for (auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
            if (!all.empty()) break;
            for (auto& engine : cudnn_engines(graph->operations(), mode, nullptr, reason)) {
                if (int(all.size()) == most_candidates) break;
                if (!sums_as_asked(engine)) continue;
                auto plan = cudnn_plan::of(engine, handle_.raw, nullptr, reason);
                if (plan && plan->workspace() <= workspace_bytes) all.push_back(std::move(*plan));
            }
        }
        return all;
    }
    // Returns the shortest of several runs; infinity if the plan does not run.
    float milliseconds(const cudnn_plan& plan, const library_convolution& l) const {
        detail::cudnn_event begin, end;
        float least = std::numeric_limits<float>::infinity();
        for (int i = 0; i <= runs; ++i) { // the first run is a warm-up
            begin.record(queue_);
            if (put(plan, l) != CUDNN_STATUS_SUCCESS) break;
            end.record(queue_);
            const float time = end.milliseconds_since(begin);
            if (i > 0) least = std::min(least, time);
        }
        return least;
    }

    cudaStream_t queue_;
    std::string file_name_;
    detail::cudnn_handle handle_;
    void* workspace_ = nullptr;
    std::optional<plan_file> file_;
    std::map<std::string, std::unique_ptr<cudnn_convolution_plan>> plans_; // by shape; null: no engine supports it
};

} // namespace fovea
