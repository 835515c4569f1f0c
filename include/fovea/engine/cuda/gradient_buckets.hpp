// When gradients are whole in a backward pass, so that those of several processes are summed while it goes on:
// parameters side by side, from the last one on, in buckets of a few megabytes, each of which is sent at once when the
// last operation that adds to it is done. The order depends on the graph alone, and so is that of every process.
#pragma once
#include "fovea/plan/training_plan.hpp"

namespace fovea {

class gradient_buckets {
  public:
    // trained: by weight, whether it gets a gradient; least: bytes of a bucket, but for the last.
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

    // Before a backward pass by that plan.
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
    // After an operation's part in it: prepare(p) where the gradient of what preparation p makes is whole, to be
    // carried to what it is made of, and sum(begin, numbers) of the gradients of a bucket.
    template <class Prepare, class Sum> void after(int operation, Prepare prepare, Sum sum) {
        each_trained(g_.operations[std::size_t(operation)].d.w, [&](std::size_t w) {
            if (--awaited_[w] > 0) return;
            if (of_weight_[w] >= 0) return arrive(w, sum);
            for (auto& p : g_.preparations) {
                if (std::size_t(p.out) != w || !p.backward) continue;
                prepare(p);
                each_trained(p.w, [&](std::size_t from) {
                    if (--awaited_[from] == 0) arrive(from, sum);
                });
            }
        });
    }

  private:
    struct bucket {
        std::size_t begin, size; // of the parameters' numbers
    };

    template <class F> void each_trained(const index_list<max_weights>& of, F f) const {
        for (int w : of)
            if (w >= 0 && trained_[std::size_t(w)]) f(std::size_t(w));
    }
    bool is_awaited(const preparation& p) const { return p.backward && awaited_[std::size_t(p.out)] > 0; }
    template <class Sum> void arrive(std::size_t w, Sum sum) {
        const auto b = std::size_t(of_weight_[w]);
        if (--missing_[b] == 0) sum(buckets_[b].begin, buckets_[b].size);
    }

    const graph& g_;
    std::vector<char> trained_;
    std::vector<bucket> buckets_; // the last parameters first
    std::vector<int> of_weight_;  // the bucket of a parameter; -1: it is none
    std::vector<int> awaited_;    // by weight: what has yet to add to its gradient
    std::vector<int> missing_;    // by bucket: parameters whose gradient is not whole
};

} // namespace fovea
