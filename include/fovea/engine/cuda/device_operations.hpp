// Launches the operations of a training plan on a device, forward and backward: each by the vendor's library (cuDNN) if
// that has a kernel, else by a kernel of fovea. All work goes into the device's queue; nothing waits.
#pragma once
#include "fovea/backend/cuda/gradients.hpp"
#include "fovea/backend/cuda/library_convolutions.hpp"
#include "fovea/engine/cuda/training_weights.hpp"
#include "fovea/engine/training_memory.hpp"

namespace fovea {

// The gradient of an input that equals the gradient of the output.
struct passed_gradient {
    device_view dy; // (N,H,W,C)
    gradient_target to;
    FOVEA_HOST_DEVICE void operator()(pixel_position p, int c) const { to.put(p, c, dy.get(p, c)); }
};

// Device and weights, which must belong to the same graph, must outlive it.
template <class Device> class device_operations : protected training_memory {
  protected:
    using device_memory = device_buffer<Device, memory_place::device>;

    device_operations(const graph& g, const training_options& o, Device& device, training_weights<Device>& weights)
        : training_memory(g, for_device(o), sizeof(float)), device_(device), weights_(weights), library_(device, g) {}

    // Call after the arena has been allocated and before it holds values: the library measures its kernels on that
    // memory.
    void prepare_operations() {
        begin_forward();
        reserve(scratch_, scratch_bytes(), "scratch");
        find_convolutions();
    }
    void reserve(device_memory& memory, std::size_t bytes, const char* what) {
        const auto* const before = memory.data();
        memory.reserve(bytes, what);
        if (memory.data() != before) where_.moved();
    }

    void put_step_forward(std::size_t s, bool updates) {
        if (!part_of_last(s)) compute(plan_.steps[s].of, false, updates, by_library_[s].values);
    }
    void put_step_back(std::size_t s) {
        if (plan_.steps[s].what == training_step::kind::forward)
            compute(plan_.steps[s].of, true, false, by_library_[s].values);
        else if (!part_of_last(s))
            differentiate(s);
    }
    // Launches operation i by `by_library`, or by fovea's own kernel if that is empty.
    void compute(int i, bool again, bool updates, const planned_convolution& by_library = {}) {
        const operation& o = op(i);
        const call c = call_of(i, again);
        if (c.statistics && !again) {
            gradient_call s = call_back(i);
            for (int k = 0; updates && k < max_weights; ++k)
                if (o.d.w[k] >= 0 && g_.weights[std::size_t(o.d.w[k])].kind == weight_kind::buffer)
                    s.dw[std::size_t(k)] = weights_[o.d.w[k]];
            o.kernels->statistics_before(s);
        }
        by_library ? by_library.run() : o.kernels->forward(c);
    }

    Device& device_;
    training_weights<Device>& weights_;
    placement where_;

  private:
    static training_options for_device(training_options o) {
        o.whole_calls = true;
        return o;
    }

    // What the library computes in a step of the plan.
    struct library_step {
        planned_convolution values, weights; // values: the output, or in a backward step the input's gradient
        bool takes_next = false;             // the activation in the next step is fused into this one
        std::size_t biased = 0;              // with takes_next: the step whose bias gradient is fused, too; 0: none
        bool has_its_bias = false;           // the bias gradient of this step has been computed by another
    };
    bool part_of_last(std::size_t s) const { return s > 0 && by_library_[s - 1].takes_next; }

    // Finds the library's plans; they are measured while the arena holds no values.
    void find_convolutions() {
        by_library_.assign(plan_.steps.size(), {});
        for (std::size_t s = 0; s < plan_.steps.size(); ++s)
            if (plan_.steps[s].what == training_step::kind::forward)
                find_values(s);
            else if (!part_of_last(s))
                find_gradients(s);
        library_.save({});
    }
    void find_values(std::size_t s) {
        const int i = plan_.steps[s].of;
        const bool again = s >= plan_.forward;
        const call c = call_of(i, again);
        if (part_of_last(s)) return;
        library_step& l = by_library_[s];
        if (!again && detail::activation_follows(g_, i)) {
            l.values = library_.find(detail::with_activation(c, op(i + 1).a, value(op(i + 1).y, false)), {});
            l.takes_next = bool(l.values);
        }
        if (!l.values) l.values = library_.find(c, {});
    }
    void find_gradients(std::size_t s) {
        const int i = plan_.steps[s].of;
        library_step& l = by_library_[s];
        gradient_call c = call_back(i);
        if (needs_weight_gradient(i))
            l.weights = library_.find(detail::weight_gradient_for_library(detail::alike_for_weights(c), op(i).a), {});
        if (!take_targets(c, i)) return;
        const auto described = input_gradient_for_library(i, over_target(c));
        if (!described) return;
        if (activation_precedes(s)) {
            const operation& activates = op(plan_.steps[s + 1].of);
            const std::size_t biased = step_with_bias(s + 2, activates.x[0]);
            auto* const sums = biased ? scratch_.data() : nullptr;
            const window before = value(activates.x[0], false);
            l.values = library_.find(detail::with_slopes(*described, activates.a, before, sums), {});
            l.takes_next = bool(l.values);
            if (l.values && biased) l.biased = biased, by_library_[biased].has_its_bias = true;
        }
        if (!l.values) l.values = library_.find(described, {});
    }
    // Returns whether the next step only multiplies the gradient of this step by the slope of an activation, in place,
    // and nothing else is added to that gradient; the two steps can then be fused.
    bool activation_precedes(std::size_t s) const {
        if (s + 1 >= plan_.steps.size() || plan_.steps[s + 1].what != training_step::kind::backward) return false;
        const int i = plan_.steps[s].of, next = plan_.steps[s + 1].of;
        const operation &o = op(i), &activates = op(next);
        const auto computed = [&](int k) { return plan_.ways[std::size_t(k)][0] == gradient_way::computed; };
        return only_activates(activates) && activates.y == o.x[0] && o.x[1] != o.x[0] && computed(i) &&
               computed(next) && gradient(activates.x[0]).data == gradient(activates.y).data &&
               !again_[std::size_t(activates.x[0])];
    }
    // Returns the next backward step from s on if it needs the gradient of a bias that was added to tensor t, else 0.
    std::size_t step_with_bias(std::size_t s, int t) const {
        while (s < plan_.steps.size() && plan_.steps[s].what != training_step::kind::backward) ++s;
        if (s == plan_.steps.size()) return 0;
        const int i = plan_.steps[s].of;
        const bool has = op(i).y == t && op(i).a.method == convolution_method::library && needs_weight_gradient(i) &&
                         weights_.gradient(op(i).d.w[1]);
        return has ? s : 0;
    }
    std::size_t scratch_bytes() const {
        std::size_t bytes = 0;
        for (int i = 0; i < int(g_.operations.size()); ++i) {
            const operation& o = op(i);
            const gradient_call c = gradient_call_of(i, weights_);
            bytes = std::max(bytes, o.kernels->weights_scratch(over(c, c.dy)));
            if (library_.any() && o.a.method == convolution_method::library)
                bytes = std::max(bytes, detail::scratch_for_library(c));
            bytes = std::max(bytes, o.kernels->input_scratch(over(c, c.x[0])));
        }
        return bytes;
    }
    static gradient_call over(gradient_call c, const window& w) { return detail::over(c, w); }
    static gradient_call over_target(const gradient_call& c) { return over(c, c.dx[0] ? c.dx[0] : c.dx[1]); }

    call call_of(int i, bool again) {
        const operation& o = op(i);
        call c;
        c.a = o.a, c.dims = o.dims, c.queue = device_.queue();
        for (int k = 0; k < max_weights; ++k) c.w[std::size_t(k)] = weights_[o.w[k]];
        take_windows(c, i, again);
        return c;
    }
    gradient_call call_back(int i) const {
        gradient_call c = gradient_call_of(i, weights_);
        c.queue = device_.queue(), c.scratch = scratch_.data();
        return c;
    }
    void differentiate(std::size_t s) {
        const int i = plan_.steps[s].of;
        const gradient_call whole = call_back(i);
        if (needs_weight_gradient(i)) put_weight_gradient(s, over(whole, whole.dy));
        if (whole.statistics) op(i).kernels->statistics_back(whole);
        gradient_call c = whole;
        if (take_targets(c, i)) put_input_gradient(s, over_target(c));
        each_passed(i, [&](const window& dx, bool adds) { pass(dx, whole.dy, adds); });
    }
    bool needs_weight_gradient(int i) const {
        return plan_.needs_weights[std::size_t(i)] && op(i).kernels->gives_weight_gradient;
    }
    void put_weight_gradient(std::size_t s, gradient_call c) {
        const operation& o = op(plan_.steps[s].of);
        for (int k = 0; k < max_weights; ++k) c.dw[std::size_t(k)] = weights_.gradient(o.d.w[k]);
        c.outputs = {0, o.dims[0]};
        if (by_library_[s].has_its_bias) c.dw[1] = nullptr;
        const planned_convolution& by_library = by_library_[s].weights;
        if (!by_library) return o.kernels->weights(c);
        const gradient_call alike = detail::alike_for_weights(c);
        widen(alike.x[0], c.x[0]), widen(alike.dy, c.dy);
        by_library.run();
        add_from_scratch(c, by_library.plan->filters(), o.d.w[0], o.dims);
        detail::launch_bias_gradient<Device>(c); // last, because it may overwrite the scratch memory
    }
    void add_from_scratch(const gradient_call& c, number_format f, int weight, const weight_shape& dims) {
        detail::launch<Device>(c, add_filters(c.scratch, f, weights_.gradient(weight), dims));
    }
    // At stride 1 the gradient is an ordinary convolution, whose tensors may have different formats.
    static gradient_call alike_for_input(const gradient_call& c) {
        return c.a.stride == 1 ? c : detail::alike_for_input(c);
    }
    std::optional<library_convolution> input_gradient_for_library(int i, const gradient_call& c) const {
        const operation& o = op(i);
        if (!c.arranged || o.a.method != convolution_method::library) return {};
        return c.a.stride == 1 ? library_convolution_of(detail::input_gradient_as_call(c))
                               : detail::input_gradient_for_library(alike_for_input(c), o.a, weights_[o.w[0]]);
    }
    void put_input_gradient(std::size_t s, const gradient_call& c) {
        const library_step& l = by_library_[s];
        if (!l.values) return op(plan_.steps[s].of).kernels->input(c);
        widen(alike_for_input(c).dy, c.dy);
        l.values.run();
        if (!l.biased) return;
        const operation& biased = op(plan_.steps[l.biased].of);
        add_from_scratch(c, number_format::float32, biased.d.w[1], {biased.dims[0], 1, 1, 1});
    }
    void widen(const window& to, const window& from) {
        if (to.format != from.format) pass(to, from, false);
    }
    void pass(const window& dx, const window& dy, bool adds) {
        gradient_call c;
        c.images = {0, plan_.batch}, c.dx[0] = dx, c.accumulates[0] = adds, c.queue = device_.queue();
        detail::launch_gradient<Device>(over(c, dx), passed_gradient{device_view(dy), gradient_target(c, 0)});
    }

    library_convolutions<Device> library_;
    std::vector<library_step> by_library_; // for each step of the plan
    device_memory scratch_{device_};
};

} // namespace fovea
