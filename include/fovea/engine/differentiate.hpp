// Runs a training plan: forward, then backward, each operation split among the threads of a context, whose number does
// not change the result. The function that is given to between_operations() is called after each operation on the
// caller's thread. It may throw; the pass is then given up, and the gradients are incomplete.
#pragma once
#include <functional>

#include "fovea/engine/gradient_store.hpp"
#include "fovea/engine/split_call.hpp"
#include "fovea/engine/training_memory.hpp"
#include "fovea/graph/weights.hpp"

namespace fovea {

// Runs the forward and backward passes of one network on the threads of a context.
template <class Real> class differentiator : public training_memory {
  public:
    // `gradients` may be null where options.weight_gradients is false.
    differentiator(const graph& g, weight_store& weights, gradient_store<Real>* gradients, context threads,
                   const training_options& o = {})
        : training_memory(g, o, sizeof(Real)), weights_(weights), gradients_(gradients), threads_(std::move(threads)) {
        const bool converts = std::same_as<Real, float> && g.backend.converts_16_bits;
        if (o.storage != number_format::float32 && !converts)
            fail("training: this backend cannot convert numbers of 16 bits: expected float32");
    }

    void between_operations(std::function<void()> f) { between_ = std::move(f); }

    // Plans for a batch of that size, unless the last one had it too.
    void prepare(extent input, int batch) {
        if (!plan_for(input, batch)) return;
        memory_.reserve(plan_.bytes);
        arena_ = memory_.data();
    }
    // The network's input, to be filled before forward(); its margins are zeros.
    window input() {
        const window w = value(0, false);
        clear(w);
        return w;
    }

    // Updates buffers (running estimates), unless `evaluating`.
    void forward(bool evaluating = false) {
        forward(evaluating, [](const operation&, const window&) { return true; });
    }
    // look(operation, output) is called after each operation and may return false to stop.
    template <class Look> void forward(bool evaluating, Look look) {
        const context::usage mine(threads_);
        std::fill_n(arena_ + plan_.zeros, plan_.zero_bytes, std::byte{0});
        begin_forward();
        for (std::size_t s = 0; s < plan_.forward; ++s) {
            const auto [what, i] = plan_.steps[s];
            if (what == training_step::kind::narrow) {
                convert(i, true);
                continue;
            }
            compute(i, false, !evaluating);
            if (between_) between_();
            if (!look(op(i), value(op(i).y, false))) return;
        }
        clear(output_gradient());
        for (int t : options_.outputs)
            if (plan_.needs_gradient[std::size_t(t)]) clear(output_gradient(t));
    }

    // From output_gradient() to the gradients of weights, which are added to, and of the input, which is written.
    void backward() {
        const context::usage mine(threads_);
        for (std::size_t s = plan_.forward; s < plan_.steps.size(); ++s) {
            const auto [what, i] = plan_.steps[s];
            if (what == training_step::kind::widen)
                convert(i, false);
            else if (what == training_step::kind::forward)
                compute(i, true, false);
            else
                differentiate(i);
            if (between_) between_();
        }
        if (options_.weight_gradients) differentiate_preparations();
    }

  private:
    static constexpr std::size_t element = sizeof(Real);

    // Clears a whole window, because a loss adds to the gradient of its input.
    void clear(const window& w) const {
        const std::size_t bytes = std::size_t(w.image_stride) * element;
        threads_.parallel_for(plan_.batch, [&](int n, int) noexcept {
            std::fill_n(w.data + std::size_t(n) * bytes, bytes, std::byte{0});
        });
    }

    // Narrows value t to 16 bits, or widens it from them to its second place.
    void convert(int t, bool narrows) {
        if constexpr (std::same_as<Real, float>) {
            const window w = value(t, !narrows);
            auto* const kept = reinterpret_cast<std::uint16_t*>(arena_ + plan_.stored[std::size_t(t)]);
            auto* const values = reinterpret_cast<float*>(w.data);
            threads_.parallel_for(plan_.batch * w.height, [&](int k, int) noexcept {
                const std::ptrdiff_t at = k * w.row_stride;
                narrows ? g_.backend.narrow(options_.storage, values + at, kept + at, w.row_stride)
                        : g_.backend.widen(options_.storage, kept + at, values + at, w.row_stride);
            });
            again_[std::size_t(t)] = !narrows;
        }
    }

    void compute(int i, bool again, bool updates) {
        const operation& o = op(i);
        call c = detail::call_of(o, weights_);
        take_windows(c, i, again);
        if (c.statistics && !again) {
            gradient_call s = gradient_call_of(i, weights_);
            for (int k = 0; updates && k < max_weights; ++k)
                if (o.d.w[k] >= 0 && g_.weights[std::size_t(o.d.w[k])].kind == weight_kind::buffer)
                    s.dw[std::size_t(k)] = weights_[o.d.w[k]];
            find_statistics(o.kernels->statistics_before, s);
        }
        detail::compute(g_, o, c, threads_, element);
    }

    void find_statistics(gradient_kernel find, const gradient_call& c) {
        constexpr int chunk = 16;
        const int channels = c.outputs.end;
        threads_.parallel_for((channels + chunk - 1) / chunk, [&](int k, int) noexcept {
            gradient_call part = c;
            part.outputs = {k * chunk, std::min((k + 1) * chunk, channels)};
            find(part);
        });
    }

    void differentiate(int i) {
        const operation& o = op(i);
        gradient_call c = gradient_call_of(i, weights_);
        if (c.statistics) find_statistics(o.kernels->statistics_back, c);
        if (plan_.needs_weights[std::size_t(i)] && o.kernels->gives_weight_gradient) differentiate_weights(i, c);
        if (take_targets(c, i)) differentiate_inputs(o, c);
        each_passed(i, [&](const window& dx, bool adds) { pass(dx, c.dy, adds); });
    }

    void differentiate_inputs(const operation& o, gradient_call& whole) {
        const window& dx = whole.dx[0] ? whole.dx[0] : whole.dx[1];
        whole.rows = {0, dx.height}, whole.cols = {0, dx.width};
        const auto cut = detail::cut::of(o.d.grain, 0, plan_.batch, whole.rows, whole.cols, threads_.threads());
        std::size_t bytes = 0;
        for (int k = 0; k < cut.pieces() && o.kernels->input_takes_scratch; ++k)
            bytes = std::max(bytes, o.kernels->input_scratch(cut.piece(whole, k)));
        threads_.reserve_scratch(bytes);
        threads_.parallel_for(cut.pieces(), [&](int k, int worker) noexcept {
            gradient_call c = cut.piece(whole, k);
            if (c.rows.empty() || c.cols.empty()) return;
            c.scratch = threads_.scratch(worker);
            o.kernels->input(c);
            for (auto& to : c.dx)
                for (int n = c.images.begin; to && n < c.images.end; ++n)
                    detail::clear_margins(to, n, c.rows, c.cols, element);
        });
    }

    // dx = dy or dx += dy
    void pass(const window& dx, const window& dy, bool adds) {
        threads_.parallel_for(plan_.batch * dx.height, [&](int k, int) noexcept {
            const int n = k / dx.height, y = k % dx.height, values = dx.width * dx.channels;
            const Real* from = dy.at<Real>(n, y, 0);
            Real* to = dx.at<Real>(n, y, 0);
            for (int v = 0; v < values; ++v) to[v] = adds ? to[v] + from[v] : from[v];
            detail::clear_margins(dx, n, {y, y + 1}, {0, dx.width}, element);
        });
    }

    void differentiate_weights(int i, gradient_call whole) {
        const operation& o = op(i);
        const int pieces = plan_.pieces[std::size_t(i)], outputs = o.dims[0];
        const int chunks = std::min(plan_.chunks[std::size_t(i)], (threads_.threads() + pieces - 1) / pieces);
        const std::size_t bytes = detail::partial_bytes(g_, o, element);
        std::byte* const memory = arena_ + plan_.partials[std::size_t(i)];
        if (pieces > 1)
            threads_.parallel_for(pieces, [&](int k, int) noexcept {
                std::fill_n(memory + std::size_t(k) * bytes, bytes, std::byte{0});
            });
        whole.cols = {0, whole.dy.width};
        whole.a.method = o.d.weights_method;
        gradient_call largest = whole;
        if (chunks > 1) largest.outputs = {0, (outputs + chunks - 1) / chunks};
        threads_.reserve_scratch(o.kernels->weights_scratch(largest));
        threads_.parallel_for(pieces * chunks, [&](int k, int worker) noexcept {
            gradient_call c = whole;
            c.scratch = threads_.scratch(worker);
            c.outputs = {outputs * (k % chunks) / chunks, outputs * (k % chunks + 1) / chunks};
            const int piece = k / chunks;
            detail::each_partial<Real>(g_, trained_, o, memory + std::size_t(piece) * bytes,
                                       [&](int w, Real* at, std::size_t) {
                                           c.dw[std::size_t(w)] = pieces > 1 ? at : (*gradients_)[o.d.w[w]];
                                       });
            detail::each_part(piece, pieces, plan_.batch, whole.dy.height, [&](range images, range rows) {
                c.images = images, c.rows = rows;
                o.kernels->weights(c);
            });
        });
        if (pieces > 1) add_pieces(o, memory, pieces, bytes);
    }

    // Adds the partial sums to the gradients, in order.
    void add_pieces(const operation& o, std::byte* memory, int pieces, std::size_t bytes) {
        detail::each_partial<Real>(g_, trained_, o, memory, [&](int w, Real* first, std::size_t numbers) {
            constexpr std::size_t chunk = 4096;
            Real* const sum = (*gradients_)[o.d.w[w]];
            threads_.parallel_for(int((numbers + chunk - 1) / chunk), [&](int k, int) noexcept {
                const std::size_t begin = std::size_t(k) * chunk, end = std::min(begin + chunk, numbers);
                for (int piece = 0; piece < pieces; ++piece) {
                    const Real* part = reinterpret_cast<const Real*>(reinterpret_cast<const std::byte*>(first) +
                                                                     std::size_t(piece) * bytes);
                    for (std::size_t v = begin; v < end; ++v) sum[v] += part[v];
                }
            });
        });
    }

    void differentiate_preparations() {
        std::vector<std::pair<preparation_gradient, preparation_gradient_call>> calls;
        std::vector<int> passed;
        for (auto& p : g_.preparations) {
            if (p.packs() || !trained_[std::size_t(p.out)]) continue;
            preparation_gradient_call c;
            c.forward = weights_.call_of(g_, p, element);
            c.dout = (*gradients_)[p.out];
            for (int k = 0; k < max_weights; ++k) c.dw[std::size_t(k)] = (*gradients_)[p.w[k]];
            calls.emplace_back(p.kernels->backward, c);
            passed.push_back(p.out);
        }
        threads_.parallel_for(int(calls.size()), [&](int k, int) noexcept {
            calls[std::size_t(k)].first(calls[std::size_t(k)].second);
            gradients_->clear(passed[std::size_t(k)]);
        });
    }

    weight_store& weights_;
    gradient_store<Real>* gradients_;
    context threads_;
    storage memory_;
    std::function<void()> between_;
};

} // namespace fovea
