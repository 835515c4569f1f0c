// The windows onto the arena of a training plan: values and gradients of a step, as kernels are given them. Whoever
// runs the plan owns the memory.
#pragma once
#include "fovea/plan/training_plan.hpp"

namespace fovea {

// The windows of one training plan.
class training_memory {
  public:
    training_memory(const graph& g, const training_options& o, std::size_t bytes_of_number)
        : g_(g), options_(o), trained_(detail::trained_weights(g, o)), element_(bytes_of_number) {}

    window output() const { return value(int(g_.tensors.size()) - 1, false); }
    // It is zero after forward(), and to be filled before backward().
    window output_gradient() const { return gradient(int(g_.tensors.size()) - 1); }
    // The same for one of options.outputs, whose value is valid until backward().
    window output(int tensor) const { return value(tensor, false); }
    window output_gradient(int tensor) const { return gradient(tensor); }
    window input_gradient() const { return gradient(0); } // after backward(), with options.input_gradient
    // Bytes of the arena.
    std::size_t bytes() const { return plan_.bytes; }

  protected:
    // Plans for a batch of that size; returns false if the last one had it too.
    bool plan_for(extent input, int batch) {
        if (!plan_.extents.empty() && plan_.batch == batch && plan_.extents[0].height == input.height &&
            plan_.extents[0].width == input.width)
            return false;
        plan_ = plan_training(g_, input, batch, options_, element_);
        return true;
    }
    void begin_forward() { again_.assign(g_.tensors.size(), 0); }

    const operation& op(int i) const { return g_.operations[std::size_t(i)]; }

    window value(int t, bool again) const {
        window w = shaped(t, plan_.cols[std::size_t(t)]);
        w.data = arena_ + plan_.values[again ? 1 : 0][std::size_t(t)];
        return w;
    }
    window gradient(int t) const {
        const int margin = plan_.margins[std::size_t(t)];
        window w = shaped(t, {-margin, plan_.extents[std::size_t(t)].width + margin});
        w.data = arena_ + plan_.gradients[std::size_t(t)];
        return w;
    }
    std::byte* statistics(int i) const { // statistics of the batch; null: running estimates are used
        const bool batch = op(i).d.statistics && options_.batch_statistics;
        return batch ? arena_ + plan_.statistics[std::size_t(i)] : nullptr;
    }

    // Sets the windows of operation i over whole images, and notes whether its result is computed again.
    void take_windows(call& c, int i, bool again) {
        const operation& o = op(i);
        for (int k = 0; k < max_inputs; ++k)
            if (o.x[k] >= 0) c.x[std::size_t(k)] = value(o.x[k], again && again_[std::size_t(o.x[k])]);
        c.y = value(o.y, again);
        again_[std::size_t(o.y)] = again;
        c.images = {0, plan_.batch}, c.rows = {0, c.y.height}, c.cols = {0, c.y.width};
        c.statistics = statistics(i);
    }
    // Returns a call with everything but the share of a kernel and dw. weights[i]: the numbers of a weight.
    template <class Weights> gradient_call gradient_call_of(int i, const Weights& weights) const {
        const operation& o = op(i);
        gradient_call c;
        c.a = o.d.a, c.dims = o.dims, c.images = {0, plan_.batch},
        c.outputs = {0, g_.tensors[std::size_t(o.y)].channels};
        for (int k = 0; k < max_inputs; ++k)
            if (o.x[k] >= 0) c.x[std::size_t(k)] = value(o.x[k], again_[std::size_t(o.x[k])]);
        c.y = value(o.y, again_[std::size_t(o.y)]), c.dy = gradient(o.y);
        for (int k = 0; k < max_weights; ++k) c.w[std::size_t(k)] = weights[o.d.w[k]];
        c.arranged = weights[o.d.arranged];
        c.statistics = statistics(i);
        return c;
    }
    // Sets the gradients of inputs that a kernel computes; returns false if there is none.
    bool take_targets(gradient_call& c, int i) const {
        const operation& o = op(i);
        const auto& ways = plan_.ways[std::size_t(i)];
        bool any = false;
        for (std::size_t k = 0; k < ways.size(); ++k) {
            if (ways[k] == gradient_way::none || o.d.passes_input(int(k))) continue;
            c.dx[k] = gradient(o.x[int(k)]), c.accumulates[k] = ways[k] == gradient_way::computed_and_added;
            any = true;
        }
        return any;
    }
    // Calls pass(dx, adds) for the inputs whose gradient is that of the output, or has that added.
    template <class F> void each_passed(int i, F pass) const {
        const auto& ways = plan_.ways[std::size_t(i)];
        for (std::size_t k = 0; k < ways.size(); ++k)
            if (ways[k] == gradient_way::copied || ways[k] == gradient_way::added)
                pass(gradient(op(i).x[int(k)]), ways[k] == gradient_way::added);
    }

    const graph& g_;
    training_options options_;
    std::vector<char> trained_; // for each weight: it gets a gradient
    training_plan plan_;
    std::byte* arena_ = nullptr; // plan_.bytes, owned by whoever runs the plan
    std::vector<char> again_;    // for each tensor: its value is the one that was computed again, or widened

  private:
    window shaped(int t, range cols) const {
        const auto [height, width] = plan_.extents[std::size_t(t)];
        const int channels = g_.tensors[std::size_t(t)].channels;
        const std::ptrdiff_t row = std::ptrdiff_t(cols.size()) * channels;
        return {.zeros = arena_ + plan_.zeros,
                .height = height,
                .width = width,
                .channels = channels,
                .left = cols.begin,
                .columns = cols.size(),
                .stored = height,
                .row_stride = row,
                .image_stride = row * height,
                .format = g_.tensors[std::size_t(t)].format};
    }
    std::size_t element_;
};

} // namespace fovea
