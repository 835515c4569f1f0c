// The values of a graph's weights: parameters and buffers as they were loaded, and weights that are derived from them.
#pragma once
#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>
#include <vector>

#include "fovea/core/threads.hpp"
#include "fovea/graph/graph.hpp"
#include "fovea/tensor/storage.hpp"

namespace fovea {

// Owns the values of the weights of one graph.
class weight_store {
  public:
    // Allocates every weight that is loaded. element: bytes of a number.
    explicit weight_store(const graph& g, std::size_t element = sizeof(float)) : all_(g.weights.size()) {
        for (std::size_t i = 0; i < all_.size(); ++i)
            if (g.weights[i].kind != weight_kind::derived) all_[i].reserve(count(g.weights[i].dims) * element);
    }
    std::byte* operator[](int i) const { return i < 0 ? nullptr : all_[std::size_t(i)].data(); }

    // Allocates a derived weight for the caller to fill, such as a normalisation that is folded already; prepare() then
    // does not compute it.
    std::byte* provide(int i, std::size_t bytes) {
        all_[std::size_t(i)].reserve(bytes);
        return (*this)[i];
    }

    // Computes the derived weights, then frees the weights that no operation reads.
    void prepare(const graph& g, std::size_t element = sizeof(float)) {
        for (auto& p : g.preparations) {
            if ((*this)[p.out]) continue;
            const preparation_call c = call_of(g, p, element);
            if (c.a.halves) check_halves(g, p, c);
            p.kernels->forward(c);
        }
        std::vector<char> read(all_.size(), 0);
        for (auto& o : g.operations)
            for (int w : o.w)
                if (w >= 0) read[std::size_t(w)] = 1;
        for (std::size_t i = 0; i < all_.size(); ++i)
            if (!read[i]) all_[i].clear();
    }
    // Computes the derived weights again, after parameters have changed; nothing is freed.
    void refresh(const graph& g, context& threads, std::size_t element = sizeof(float)) {
        for (bool packing : {false, true}) { // derived weights first: they may be packed, too
            std::vector<std::pair<preparation_kernel, preparation_call>> calls;
            for (auto& p : g.preparations)
                if (packing == p.packs()) calls.emplace_back(p.kernels->forward, call_of(g, p, element));
            // The largest come first. Those of the same weight come together, while it is in the caches.
            std::ranges::stable_sort(calls, std::greater(),
                                     [](const auto& c) { return std::pair(count(c.second.dims[0]), c.second.w[0]); });
            threads.parallel_for_uneven(int(calls.size()), [&](int i, int) noexcept {
                calls[std::size_t(i)].first(calls[std::size_t(i)].second);
            });
        }
    }
    // Returns the call of a preparation, with memory for the result.
    preparation_call call_of(const graph& g, const preparation& p, std::size_t element) {
        preparation_call c;
        c.a = p.a, c.format = p.format;
        for (int i = 0; i < max_weights; ++i)
            if (p.w[i] >= 0) {
                c.w[std::size_t(i)] = (*this)[p.w[i]];
                c.dims[std::size_t(i)] = g.weights[std::size_t(p.w[i])].dims;
            }
        c.out = provide(p.out, p.packs() ? p.kernels->bytes(c) : count(g.weights[std::size_t(p.out)].dims) * element);
        return c;
    }
    void clear() { // where the weights have been copied elsewhere
        for (auto& s : all_) s.clear();
    }
    // Bytes of weight i, and of all.
    std::size_t bytes(int i) const { return i < 0 ? 0 : all_[std::size_t(i)].bytes(); }
    std::size_t bytes() const {
        std::size_t n = 0;
        for (auto& s : all_) n += s.bytes();
        return n;
    }

  private:
    // Throws if a convolution's weight would become infinite in half precision.
    static void check_halves(const graph& g, const preparation& p, const preparation_call& c) {
        constexpr float most = 65504;
        for (int i = 0; i < max_weights && p.w[i] >= 0; ++i) {
            const weight_shape& dims = c.dims[std::size_t(i)];
            if (dims[1] == 1) continue; // biases and depthwise filters stay float32
            const float* w = c.weight<float>(i);
            const float* bad = std::find_if(w, w + count(dims), [](float v) { return !(std::abs(v) <= most); });
            if (bad != w + count(dims))
                fail("precision fp16: ", g.name(g.weights[std::size_t(p.w[i])]), " holds ", *bad,
                     ": expected weights of at most ", int(most), ", or precision bf16 or float32");
        }
    }

    std::vector<storage> all_;
};

namespace detail {

// Returns a call of o with everything that does not depend on an image.
inline call call_of(const operation& o, const weight_store& weights) {
    call c;
    c.a = o.a, c.dims = o.dims;
    for (int k = 0; k < max_weights; ++k) c.w[std::size_t(k)] = weights[o.w[k]];
    return c;
}

} // namespace detail

} // namespace fovea
