// What the backward pass needs of the forward pass: which tensors and weights get gradients, which values are read
// again, and of these which are kept, kept in 16 bits, or computed again.
#pragma once
#include "fovea/plan/plan.hpp"

namespace fovea {

struct training_options {
    bool input_gradient = false;  // of the network's input
    bool weight_gradients = true; // false: a frozen network
    bool batch_statistics = true; // false: batch normalisation uses its running estimates, and leaves them
    number_format storage = number_format::float32; // of what is kept from the forward pass to the backward pass
    std::vector<int> outputs{}; // tensors besides the last that a loss reads, and gives gradients where they have any
    bool whole_calls = false;   // an operation runs in one call and looks where the image ends, as on a GPU: there are
                                // neither margins nor partial sums. An activation may run together with what it follows
};

namespace detail {

// Weights that get gradients: parameters and what is made of them.
inline std::vector<char> trained_weights(const graph& g, const training_options& o) {
    std::vector<char> trained(g.weights.size(), 0);
    if (!o.weight_gradients) return trained;
    for (std::size_t i = 0; i < trained.size(); ++i) trained[i] = g.weights[i].kind == weight_kind::parameter;
    for (auto& p : g.preparations)
        for (int w : p.w)
            if (w >= 0 && p.backward && trained[std::size_t(w)]) trained[std::size_t(p.out)] = 1;
    return trained;
}

class kept_values {
    const graph& g_;
    const training_options& options_;

  public:
    std::vector<int> producer, last_reader; // by tensor: the operation that computes it, and the last to read it
    std::vector<char> needs_gradient;       // by tensor
    std::vector<char> needs_weights;        // by operation
    std::vector<char> recomputed, stored;   // by tensor: not kept; kept in 16 bits

    // `o` has to live as long.
    kept_values(const graph& g, const training_options& o)
        : g_(g),
          options_(o),
          producer(g.tensors.size(), -1),
          last_reader(g.tensors.size(), -1),
          needs_gradient(g.tensors.size(), 0),
          recomputed(g.tensors.size(), 0),
          stored(g.tensors.size(), 0) {
        for (std::size_t i = 0; i < g.operations.size(); ++i) {
            producer[std::size_t(g.operations[i].y)] = int(i);
            for (int x : g.operations[i].x)
                if (x >= 0) last_reader[std::size_t(x)] = int(i);
        }
        find_needs();
        find_recomputed();
        if (o.storage != number_format::float32) find_stored();
    }

    bool needs(int t) const { return t >= 0 && needs_gradient[std::size_t(t)]; }
    bool runs_input_kernel(int i) const {
        bool any = false;
        for (int k = 0; k < max_inputs; ++k) any |= needs(op(i).x[k]) && !(op(i).d.passes >> k & 1);
        return any;
    }
    // f(tensor) for the values that the backward pass of operation i reads.
    template <class F> void each_backward_read(int i, F f) const {
        const differentiation& d = op(i).d;
        const unsigned read =
            (runs_input_kernel(i) ? d.inputs_read : 0u) | (needs_weights[std::size_t(i)] ? d.weights_read : 0u);
        for (int k = 0; k < max_inputs; ++k)
            if (read >> k & 1 && op(i).x[k] >= 0) f(op(i).x[k]);
        if (read & its_output) f(op(i).y);
    }
    // f(tensor) for those that the loss reads.
    template <class F> void each_output(F f) const {
        for (int t : options_.outputs) f(t);
        f(int(g_.tensors.size()) - 1);
    }

  private:
    const operation& op(int i) const { return g_.operations[std::size_t(i)]; }

    void find_needs() {
        const auto trained = trained_weights(g_, options_);
        needs_gradient[0] = options_.input_gradient;
        for (auto& o : g_.operations) {
            bool weights = false, inputs = false;
            for (int w : o.d.w) weights |= w >= 0 && trained[std::size_t(w)];
            for (int x : o.x) inputs |= needs(x);
            needs_weights.push_back(weights);
            needs_gradient[std::size_t(o.y)] = weights || inputs;
        }
    }

    void find_recomputed() {
        for (int i = 0; i < int(g_.operations.size()); ++i) {
            const operation& o = op(i);
            const bool cheap = o.d.cheap && runs_input_kernel(i) && (o.d.inputs_read & first_input);
            recomputed[std::size_t(o.y)] = cheap || o.region >= 0;
        }
        each_output([&](int t) { recomputed[std::size_t(t)] = 0; });
        for (auto& o : g_.operations) // what a block hands to others is kept
            for (int x : o.x)
                if (x > 0 && o.region != op(producer[std::size_t(x)]).region && !op(producer[std::size_t(x)]).d.cheap)
                    recomputed[std::size_t(x)] = 0;
    }

    // What the backward pass reads as it was computed, or computes other values from again. Not the input, not what a
    // loss reads, and not what is compared with another value: the largest of a window.
    void find_stored() {
        for (int i = 0; i < int(g_.operations.size()); ++i)
            if (needs(op(i).y)) each_backward_read(i, [&](int t) { store_for(t, 1); });
        for (auto& o : g_.operations)
            if (o.d.inputs_read & its_output) store_for(o.x[0], 0), store_for(o.y, 0);
        each_output([&](int t) { stored[std::size_t(t)] = 0; });
        stored[0] = 0;
    }
    // Whether t is stored, or what it is computed again from.
    void store_for(int t, char is_stored) {
        if (!recomputed[std::size_t(t)]) {
            stored[std::size_t(t)] = is_stored;
            return;
        }
        for (int x : op(producer[std::size_t(t)]).x)
            if (x >= 0) store_for(x, is_stored);
    }
};

} // namespace detail

} // namespace fovea
