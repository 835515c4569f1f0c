// Groups gradients into buckets of a few megabytes for an all-reduce that overlaps with the backward pass. Parameters
// are contiguous; the buckets begin with the last parameters, and each is sent when the last operation that adds to it
// is done. The order depends only on the graph, so that it is the same in every process.
#pragma once
#include "fovea/plan/training_plan.hpp"

namespace fovea {

class gradient_buckets {
  public:
    // trained: for each weight, whether it gets a gradient. least: minimum bytes of a bucket, except the last.
    gradient_buckets(const graph& g, std::vector<char> trained, std::size_t least = std::size_t(2) << 20)
        : g_(g), trained_(std::move(trained)), of_weight_(g.weights.size(), -1) {
        std::size_t end = 0;
        for (auto& w : g.weights)
            if (w.kind == weight_kind::parameter) end += count(w.dims);
        for (std::size_t i = g.weights.size(); i-- > 0;) {
            if (g.weights[i].kind != weight_kind::parameter) continue;
            if (buckets_.empty() || buckets_.back().size * sizeof(float) >= least) buckets_.push_back({end, 0});
            const std::size_t numbers = count(g.weights[i].dims);
            buckets_.back().begin = end -= numbers, buckets_.back().size += numbers;
            of_weight_[i] = int(buckets_.size()) - 1;
        }
    }

    std::size_t size() const { return buckets_.size(); }

    // Call before a backward pass of this plan.
    void begin(const training_plan& plan) {
        awaited_.assign(g_.weights.size(), 0), missing_.assign(buckets_.size(), 0);
        for (std::size_t s = plan.forward; s < plan.steps.size(); ++s)
            if (plan.steps[s].what == training_step::kind::backward)
                each_trained(g_.operations[std::size_t(plan.steps[s].of)].d.w, [&](std::size_t w) { ++awaited_[w]; });
        for (auto& p : g_.preparations)
            if (is_awaited(p)) each_trained(p.w, [&](std::size_t w) { ++awaited_[w]; });
        for (std::size_t w = 0; w < awaited_.size(); ++w)
            if (awaited_[w] > 0 && of_weight_[w] >= 0) ++missing_[std::size_t(of_weight_[w])];
    }
    // Call after each operation of the backward pass. Calls prepare(p) when the gradient of a prepared weight is
    // complete and must be propagated to the weights from which it was made, and sum(begin, count) when a bucket is
    // complete.
    template <class Prepare, class Sum> void after(int operation, Prepare prepare, Sum sum) {
        each_trained(g_.operations[std::size_t(operation)].d.w, [&](std::size_t w) {
            if (--awaited_[w] > 0) return;
            if (of_weight_[w] >= 0) return arrive(w, sum);
            for (auto& p : g_.preparations) {
                if (std::size_t(p.out) != w || p.packs()) continue;
                prepare(p);
                each_trained(p.w, [&](std::size_t from) {
                    if (--awaited_[from] == 0) arrive(from, sum);
                });
            }
        });
    }

  private:
    struct bucket {
        std::size_t begin, size; // range in the numbers of all parameters
    };

    template <class F> void each_trained(const index_list<max_weights>& of, F f) const {
        for (int w : of)
            if (w >= 0 && trained_[std::size_t(w)]) f(std::size_t(w));
    }
    bool is_awaited(const preparation& p) const { return !p.packs() && awaited_[std::size_t(p.out)] > 0; }
    template <class Sum> void arrive(std::size_t w, Sum sum) {
        const auto b = std::size_t(of_weight_[w]);
        if (--missing_[b] == 0) sum(buckets_[b].begin, buckets_[b].size);
    }

    const graph& g_;
    std::vector<char> trained_;
    std::vector<bucket> buckets_; // last parameters first
    std::vector<int> of_weight_;  // bucket of each weight; -1: not a parameter
    std::vector<int> awaited_;    // for each weight: contributions to its gradient that are still missing
    std::vector<int> missing_;    // for each bucket: parameters with incomplete gradients
};

} // namespace fovea
