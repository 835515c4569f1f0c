// Memory and order of work of a training step, known before anything runs: every operation forward over whole images,
// the loss, then every operation backward in reverse; one list of lifetimes, one arena.
//
// Only values that a backward kernel reads are kept. Values that are cheap to compute again (activations), and those
// inside a checkpointed block, are computed again just before they are read. A gradient that an operation only passes
// on, such as that of a skip, stays where it is and becomes the gradient of another tensor; one that an elementwise
// operation changes is overwritten in place.
//
// With a 16-bit `storage`, a kept value is narrowed after its last use in the forward pass and widened before its first
// use in the backward pass; every kernel goes on reading float32. The forward pass, weights and gradients are not
// rounded. Where tensors themselves have 16-bit formats (tensor_info), their values and gradients lie in them, and
// kernels take them.
#pragma once
#include "fovea/plan/kept_values.hpp"
#include "fovea/plan/weight_pieces.hpp"

namespace fovea {

// One step of a training plan.
struct training_step {
    // What the step does with its operation or tensor.
    enum class kind { forward, backward, narrow, widen } what;
    int of; // index of the operation, or of the tensor that is narrowed or widened
};

// How the gradient of one input of an operation comes about.
enum class gradient_way { none, computed, computed_and_added, renamed, copied, added };

// The plan of a training step.
struct training_plan {
    int batch = 1;
    std::vector<extent> extents;
    std::vector<range> cols;          // for each tensor: columns of its value
    std::vector<training_step> steps; // the first `forward` of them come before the loss
    std::size_t forward = 0;
    std::vector<int> margins; // for each tensor: columns of its gradient outside the image, on either side
    std::vector<std::size_t> values[2], gradients; // offsets for each tensor; values[1]: where it is computed again
    std::vector<std::size_t> stored;               // offsets for each tensor, of its copy in 16 bits
    std::vector<std::array<gradient_way, max_inputs>> ways; // for each operation
    std::vector<char> needs_gradient, needs_weights;        // for each tensor; for each operation
    std::vector<std::size_t> statistics, partials;          // offsets for each operation
    std::vector<int> pieces, chunks; // for each operation: into how many pieces of rows, and at most how many
                                     // chunks of output channels, its weight_gradient is cut
    std::size_t zeros = 0, zero_bytes = 0, bytes = 0;
};

namespace detail {

// Returns whether the next operation is an activation of the result of this one.
inline bool activation_follows(const graph& g, int i) {
    const auto next = std::size_t(i) + 1;
    if (next >= g.operations.size()) return false;
    const operation& o = g.operations[next];
    return only_activates(o) && o.x[0] == g.operations[next - 1].y;
}

class training_planner {
  public:
    training_planner(const graph& g, extent input, int batch, const training_options& o, std::size_t element)
        : g_(g), options_(o), element_(element), n_(g.tensors.size()), keep_(g, options_) {
        p_.batch = batch;
        p_.extents = extents_of(g, input);
        p_.needs_gradient = keep_.needs_gradient, p_.needs_weights = keep_.needs_weights;
        const std::size_t m = g.operations.size();
        slots_.resize(4 * n_ + 2 * m + 1);
        buffer_.assign(n_, -1), again_.assign(n_, 0);
        p_.ways.assign(m, {});
    }

    training_plan run() {
        find_columns();
        forward();
        loss();
        for (int i = int(g_.operations.size()); i-- > 0;) backward(i);
        place();
        return std::move(p_);
    }

  private:
    const operation& op(int i) const { return g_.operations[std::size_t(i)]; }
    arena_slot& value(int t, bool again) { return slots_[std::size_t(t) + (again ? n_ : 0)]; }
    arena_slot& gradient(int t) { return slots_[2 * n_ + std::size_t(buffer_[std::size_t(t)])]; }
    arena_slot& statistics(int i) { return slots_[3 * n_ + std::size_t(i)]; }
    arena_slot& partial(int i) { return slots_[3 * n_ + g_.operations.size() + std::size_t(i)]; }
    arena_slot& stored(int t) { return slots_[3 * n_ + 2 * g_.operations.size() + std::size_t(t)]; }
    bool needs(int t) const { return keep_.needs(t); }
    number_format format(int t) const { return g_.tensors[std::size_t(t)].format; }
    bool same_format(int a, int b) const { return format(a) == format(b); }

    void find_columns() {
        for (auto& e : p_.extents) p_.cols.push_back({0, e.width});
        if (options_.whole_calls) return;
        for (auto& o : g_.operations) {
            const std::size_t x = std::size_t(o.x[0]);
            const range out{0, p_.extents[std::size_t(o.y)].width};
            p_.cols[x] = p_.cols[x].join(o.reads(out, p_.extents[x].width));
            p_.cols[x] = p_.cols[x].join(o.d.weight_reads(out, p_.extents[x].width));
        }
    }

    void store(int t) {
        p_.steps.push_back({training_step::kind::narrow, t});
        value(t, false).use(++now_), stored(t).use(now_);
    }

    void forward() {
        value(0, false).use(0);
        for (int i = 0; i < int(g_.operations.size()); ++i) {
            p_.steps.push_back({training_step::kind::forward, i});
            const int now = ++now_;
            value(op(i).y, false).use(now);
            if (options_.whole_calls && activation_follows(g_, i)) value(op(i + 1).y, false).use(now);
            for (int x : op(i).x)
                if (x >= 0) value(x, false).use(now);
            if (op(i).d.statistics) statistics(i).use(now);
            for (int x : op(i).x)
                if (x >= 0 && keep_.stored[std::size_t(x)] && keep_.last_reader[std::size_t(x)] == i) {
                    store(x);
                    keep_.last_reader[std::size_t(x)] = -1; // an operation may read the same tensor twice
                }
        }
        p_.forward = p_.steps.size();
    }

    void loss() {
        ++now_;
        keep_.each_output([&](int t) {
            value(t, false).use(now_);
            if (t + 1 < int(n_) && !needs(t)) return;
            buffer_[std::size_t(t)] = t;
            gradient(t).use(now_);
        });
    }
    // Makes value t available: widens it, or computes it and what it needs again.
    void ensure(int t) {
        if (again_[std::size_t(t)]) return;
        if (keep_.stored[std::size_t(t)]) {
            p_.steps.push_back({training_step::kind::widen, t});
            stored(t).use(++now_), value(t, true).use(now_);
            again_[std::size_t(t)] = 1;
            return;
        }
        if (!keep_.recomputed[std::size_t(t)]) return;
        const int i = keep_.producer[std::size_t(t)];
        for (int x : op(i).x)
            if (x >= 0) ensure(x);
        p_.steps.push_back({training_step::kind::forward, i});
        const int now = ++now_;
        for (int x : op(i).x)
            if (x >= 0) value(x, again_[std::size_t(x)]).use(now);
        again_[std::size_t(t)] = 1;
        value(t, true).use(now);
        if (op(i).d.statistics) statistics(i).use(now);
    }

    void backward(int i) {
        const operation& o = op(i);
        if (!needs(o.y) || buffer_[std::size_t(o.y)] < 0) return; // nothing reads it, so that its gradient is zero
        keep_.each_backward_read(i, [&](int t) { ensure(t); });
        p_.steps.push_back({training_step::kind::backward, i});
        const int now = ++now_;
        keep_.each_backward_read(i, [&](int t) { value(t, again_[std::size_t(t)]).use(now); });
        gradient(o.y).use(now);
        if (o.d.statistics) statistics(i).use(now);
        if (p_.needs_weights[std::size_t(i)]) partial(i).use(now);
        auto& ways = p_.ways[std::size_t(i)];
        const int y_buffer = buffer_[std::size_t(o.y)];
        bool free = true; // the memory of the gradient of y may be taken over
        for (bool passing : {false, true})
            for (int k = 0; k < max_inputs; ++k) {
                const int x = o.x[k];
                if (!needs(x) || o.d.passes_input(k) != passing) continue;
                int& buffer = buffer_[std::size_t(x)];
                using enum gradient_way;
                auto& way = ways[std::size_t(k)];
                const bool written = buffer >= 0, takes_over = !written && free && same_format(x, o.y) &&
                                                               (passing || (k == 0 && o.d.in_place));
                way = passing   ? written      ? added
                                  : takes_over ? renamed
                                               : copied
                      : written ? computed_and_added
                                : computed;
                if (takes_over) free = false;
                if (!written) buffer = takes_over ? y_buffer : x;
                gradient(x).use(now);
            }
    }

    // Gradients that share memory get the widest margin that one of them needs.
    void find_margins() {
        std::vector<int> of_buffer(n_, 0);
        for (int t = 0; t < int(n_); ++t) {
            const int i = keep_.producer[std::size_t(t)], b = buffer_[std::size_t(t)];
            if (i < 0 || b < 0 || !keep_.runs_input_kernel(i)) continue;
            if (!options_.whole_calls) of_buffer[std::size_t(b)] = std::max(of_buffer[std::size_t(b)], op(i).d.margin);
        }
        for (std::size_t t = 0; t < n_; ++t)
            p_.margins.push_back(of_buffer[buffer_[t] < 0 ? t : std::size_t(buffer_[t])]);
    }

    void place() {
        const std::size_t m = g_.operations.size();
        find_margins();
        value(int(n_) - 1, false).use(now_ + 1); // it is read after the step
        if (needs(0) && buffer_[0] >= 0) gradient(0).use(now_ + 1);
        for (std::size_t t = 0; t < n_; ++t) {
            const bool wide = format(int(t)) == number_format::float32;
            const std::size_t number = wide ? element_ : bytes_of(format(int(t))),
                              pixel = std::size_t(g_.tensors[t].channels) * number;
            const std::size_t rows = std::size_t(p_.batch) * std::size_t(p_.extents[t].height);
            const std::size_t row = pixel * std::size_t(p_.cols[t].size());
            const std::size_t gradient_row = pixel * std::size_t(p_.extents[t].width + 2 * p_.margins[t]);
            p_.zero_bytes = std::max(p_.zero_bytes, aligned(std::max(row, gradient_row)));
            slots_[t].bytes = aligned(row * rows);
            slots_[n_ + t].bytes = aligned(row * rows);
            stored(int(t)).bytes = aligned(row * rows / number * bytes_of(options_.storage));
            slots_[2 * n_ + t].bytes = aligned(gradient_row * rows);
        }
        for (std::size_t i = 0; i < m; ++i) {
            const operation& o = g_.operations[i];
            slots_[3 * n_ + i].bytes = aligned(std::size_t(o.d.statistics) * element_);
            const std::size_t partial = partial_bytes(g_, o, element_);
            const weight_cut cut = !p_.needs_weights[i] ? weight_cut{0, 1}
                                   : options_.whole_calls
                                       ? weight_cut{1, 1}
                                       : cut_weights(o, partial, p_.batch, p_.extents[std::size_t(o.y)]);
            p_.pieces.push_back(cut.pieces), p_.chunks.push_back(cut.chunks);
            slots_[3 * n_ + m + i].bytes = cut.pieces > 1 ? std::size_t(cut.pieces) * partial : 0;
        }
        slots_.back() = {p_.zero_bytes, 0, 0, now_ + 1};
        p_.bytes = pack(slots_);
        const auto offsets = [&](std::size_t from, std::size_t count) {
            std::vector<std::size_t> at;
            for (std::size_t i = 0; i < count; ++i) at.push_back(slots_[from + i].offset);
            return at;
        };
        p_.values[0] = offsets(0, n_), p_.values[1] = offsets(n_, n_);
        for (int b : buffer_) p_.gradients.push_back(b < 0 ? 0 : slots_[2 * n_ + std::size_t(b)].offset);
        p_.statistics = offsets(3 * n_, m), p_.partials = offsets(3 * n_ + m, m);
        p_.stored = offsets(3 * n_ + 2 * m, n_);
        p_.zeros = slots_.back().offset;
    }

    const graph& g_;
    training_options options_;
    std::size_t element_, n_;
    training_plan p_;
    kept_values keep_;
    std::vector<int> buffer_; // for each tensor: the memory of its gradient; -1: none yet
    std::vector<char> again_; // for each tensor: its value was computed again, or widened
    // In this order: values, values that are computed again, gradients; statistics, partial sums; values in 16 bits;
    // zeros.
    std::vector<arena_slot> slots_;
    int now_ = 0;
};

} // namespace detail

// Plans a step for a batch of images of size `input`. element: bytes of a number.
inline training_plan plan_training(const graph& g, extent input, int batch, const training_options& o = {},
                                   std::size_t element = sizeof(float)) {
    return detail::training_planner(g, input, batch, o, element).run();
}

} // namespace fovea
