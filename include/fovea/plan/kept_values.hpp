// What the backward pass needs from the forward pass: which tensors and weights get gradients, which values are read
// again, and whether such a value is kept, kept in 16 bits, or computed again.
#pragma once
#include "fovea/plan/plan.hpp"

namespace fovea {

// What a training step computes and keeps.
struct training_options {
    bool input_gradient = false;  // compute the gradient of the network's input
    bool weight_gradients = true; // false: the network is frozen
    bool batch_statistics = true; // false: batch normalisation uses its running estimates and does not update them
    number_format storage = number_format::float32; // format of the values that are kept for the backward pass
    std::vector<int> outputs{}; // tensors besides the last one that a loss reads and may give gradients to
    bool whole_calls = false; // as on a GPU: an operation runs in one call whose kernel looks where the image ends, so
                              // that there are no margins and no partial sums; an activation may run together with
                              // the operation before it
};

namespace detail {

// Marks the weights that get gradients: parameters, and weights that are derived from them.
inline std::vector<char> trained_weights(const graph& g, const training_options& o) {
    std::vector<char> trained(g.weights.size(), 0);
    if (!o.weight_gradients) return trained;
    for (std::size_t i = 0; i < trained.size(); ++i) trained[i] = g.weights[i].kind == weight_kind::parameter;
    for (auto& p : g.preparations)
        for (int w : p.w)
            if (w >= 0 && !p.packs() && trained[std::size_t(w)]) trained[std::size_t(p.out)] = 1;
    return trained;
}

class kept_values {
    const graph& g_;
    const training_options& options_;

  public:
    std::vector<int> producer,
        last_reader;                  // for each tensor: the operation that computes it, and the last one that reads it
    std::vector<char> needs_gradient; // for each tensor
    std::vector<char> needs_weights;  // for each operation: its weights need gradients
    std::vector<char> recomputed, stored; // for each tensor: computed again; kept in 16 bits

    // `o` must outlive this.
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
        for (int k = 0; k < max_inputs; ++k) any |= needs(op(i).x[k]) && !op(i).d.passes_input(k);
        return any;
    }
    // Calls f(tensor) for the values that the backward pass of operation i reads.
    template <class F> void each_backward_read(int i, F f) const {
        const differentiation& d = op(i).d;
        const saves read = (runs_input_kernel(i) ? d.inputs_read : saves::nothing) |
                           (needs_weights[std::size_t(i)] ? d.weights_read : saves::nothing);
        for (int k = 0; k < max_inputs; ++k)
            if (read & input_number(k) && op(i).x[k] >= 0) f(op(i).x[k]);
        if (read & saves::its_output) f(op(i).y);
    }
    // Calls f(tensor) for the values that the loss reads.
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
            const bool cheap = o.d.cheap && runs_input_kernel(i) && (o.d.inputs_read & saves::first_input);
            recomputed[std::size_t(o.y)] = cheap || o.region >= 0;
        }
        each_output([&](int t) { recomputed[std::size_t(t)] = 0; });
        for (auto& o : g_.operations) // the results that other blocks read are kept
            for (int x : o.x)
                if (x > 0 && o.region != op(producer[std::size_t(x)]).region && !op(producer[std::size_t(x)]).d.cheap)
                    recomputed[std::size_t(x)] = 0;
    }

    // Marks the values that are kept in 16 bits: those that the backward pass reads, or computes other values from. The
    // input and what a loss reads stay as they are, and so does a value that is compared with another one (the largest
    // of a pooling window), because after rounding several could be the largest.
    void find_stored() {
        for (int i = 0; i < int(g_.operations.size()); ++i)
            if (needs(op(i).y)) each_backward_read(i, [&](int t) { store_for(t, 1); });
        for (auto& o : g_.operations)
            if (o.d.inputs_read & saves::its_output) store_for(o.x[0], 0), store_for(o.y, 0);
        each_output([&](int t) { stored[std::size_t(t)] = 0; });
        stored[0] = 0;
    }
    // Marks t, or the values that it is computed again from.
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
