// The memory of the gradients of weights.
#pragma once
#include "fovea/core/threads.hpp"
#include "fovea/graph/graph.hpp"

namespace fovea {

// One gradient for each weight. Those of parameters are added to until they are cleared; those of derived weights are
// valid within a step.
template <class Real> class gradient_store {
  public:
    explicit gradient_store(const graph& g) {
        for (auto& w : g.weights) of_.emplace_back(w.kind == weight_kind::buffer || w.name.empty() ? 0 : count(w.dims));
    }
    // The gradient of weight i, in the layout of the weight; null if it has none.
    Real* operator[](int i) { return i < 0 || of_[std::size_t(i)].empty() ? nullptr : of_[std::size_t(i)].data(); }
    // Sets the gradient of one weight, or of all, to zero.
    void clear(int i) { std::ranges::fill(of_[std::size_t(i)], Real(0)); }
    void clear(context& threads) {
        threads.parallel_for_uneven(int(of_.size()), [&](int i, int) noexcept { clear(i); });
    }

  private:
    std::vector<std::vector<Real>> of_;
};

} // namespace fovea
