// A network on a device, forward and backward over a batch: a training plan's operations as kernels in one queue,
// recorded for batches of the same size. Nothing waits but for a copy that somebody asks for.
#pragma once
#include <map>

#include "fovea/backend/cuda/engine.hpp"
#include "fovea/backend/cuda/gradients.hpp"
#include "fovea/backend/cuda/loss.hpp"
#include "fovea/backend/cuda/network_loss.hpp"
#include "fovea/backend/cuda/recordings.hpp"
#include "fovea/backend/cuda/training_weights.hpp"
#include "fovea/model/training_engine.hpp"

namespace fovea {

// The gradient of an input that is that of the output.
struct passed_gradient {
    device_view dy; // (N,H,W,C)
    gradient_target to;
    FOVEA_HOST_DEVICE void operator()(pixel_position p, int c) const { to.put(p, c, dy.get(p, c)); }
};

// What recorded work of a batch depends on.
struct training_work {
    enum class kind { forward, backward, learn, listen, update } what;
    placement where{}, where_frozen{};
    int batch = 0, height = 0, width = 0;
    bool evaluating = false, prepares = false;
    loss_terms terms{}, of_frozen{};
    std::vector<placement> of_terms{};
    double weight = 1, scale = 1; // of the loss; of gradients
    update_rule how{};
    int processes = 1;
    bool sums = false; // over them
    bool operator==(const training_work&) const = default;
};

// Interface: network_engine, or what is derived from it. The device and the weights, of the same graph, outlive it.
template <class Device, class Interface> class device_pass : public Interface, protected training_memory {
  public:
    device_pass(const graph& g, const training_options& o, Device& device, training_weights<Device>& weights)
        : training_memory(g, for_device(o), sizeof(float)), device_(device), weights_(weights), library_(device, g) {
        for (int t : o.outputs)
            if (g.tensors[std::size_t(t)].format != number_format::float32)
                fail("precision ", name_of(g.precision),
                     ": what a loss reads inside this network is kept in 16 bits: expected float32");
    }

    void load(tensor_view<const float> x) override {
        detail::check_input(g_, x);
        make_room({x.height(), x.width()}, x.batch());
        upload(x, value(0, false).data, input_);
    }
    void load(std::span<const device_tensor> parts) override {
        const device_tensor first = parts[0];
        int batch = 0;
        for (auto& part : parts) {
            if (part.height != first.height || part.width != first.width || part.channels != first.channels)
                fail("a batch of images of ", first.height, 'x', first.width, " and of ", part.height, 'x', part.width,
                     ": expected one size");
            batch += part.batch;
        }
        detail::check_input(g_,
                            tensor_view<const float>(nullptr, batch, first.height, first.width, first.channels, 0, 0));
        make_room({first.height, first.width}, batch);
        auto* to = reinterpret_cast<float*>(value(0, false).data);
        for (auto& part : parts) {
            const std::ptrdiff_t numbers = std::ptrdiff_t(part.batch) * first.height * first.width * first.channels;
            const copy_numbers k{part.data, to, numbers};
            Device::launch(device_.queue(), k, k.blocks());
            to += numbers;
        }
    }

    void forward(bool evaluating) override {
        training_work work = work_of(training_work::kind::forward);
        work.evaluating = evaluating, work.prepares = weights_.take_stale();
        recordings_.run(work, [&] { put_forward(evaluating, work.prepares); });
        if (!evaluating) weights_.changed();
        dy_.clear();
    }
    tensor_view<const float> output(int t = network_engine::last) override {
        return copy_of(training_memory::output(number_of(t)), y_[number_of(t)]);
    }
    tensor_view<float> output_gradient(int t = network_engine::last) override {
        const window w = training_memory::output_gradient(number_of(t));
        return dy_.try_emplace(number_of(t), plan_.batch, w.height, w.width, w.channels).first->second.view();
    }
    device_tensor output_on_device() const override { return tensor_at(training_memory::output()); }
    void backward() override {
        for (auto& [t, dy] : dy_) upload(dy.view(), training_memory::output_gradient(t).data, gradient_);
        recordings_.run(work_of(training_work::kind::backward), [&] { put_backward(); });
        if (options_.weight_gradients) weights_.changed();
    }
    tensor_view<const float> input_gradient() override { return copy_of(training_memory::input_gradient(), dx_); }
    std::size_t bytes() const override { return plan_.bytes; }
    const void* queue() const override { return device_.queue(); }

    // ---- for whoever puts it into the queue together with other work
    const placement& where() const { return where_; }
    bool take_stale() { return weights_.take_stale(); }
    void prepare_weights() { weights_.prepare(); }
    Device& device() const { return device_; }
    window input_window() const { return value(0, false); }
    window output_window(int t = network_engine::last) const { return training_memory::output(number_of(t)); }
    window output_gradient_window(int t = network_engine::last) const {
        return training_memory::output_gradient(number_of(t));
    }
    window input_gradient_window() const { return training_memory::input_gradient(); }
    // Memory for a batch of that size, its values in the arena.
    void make_room(extent input, int batch) {
        if (!plan_for(input, batch) && memory_.bytes() >= plan_.bytes) return;
        reserve(memory_, plan_.bytes, "the activations of a training step, of which a smaller batch has fewer");
        arena_ = memory_.data();
        begin_forward();
        reserve(scratch_, scratch_bytes(), "scratch");
        reserve(sums_, detail::loss_scratch(batch, training_memory::output()), "sums of the loss");
        find_convolutions();
    }
    void put_forward(bool evaluating, bool prepares) {
        begin_forward();
        if (prepares) weights_.prepare();
        for (std::size_t s = 0; s < plan_.forward; ++s)
            if (!part_of_last(s)) compute(plan_.steps[s].of, false, !evaluating, by_library_[s].values);
        clear(training_memory::output_gradient());
        for (int t : options_.outputs)
            if (plan_.needs_gradient[std::size_t(t)]) clear(training_memory::output_gradient(t));
    }
    // Adds the loss to *value, and `scale` times its gradient to that of the output.
    void put_loss(const loss_terms& terms, const std::byte* target, double* value, double scale) {
        const window y = training_memory::output(), dy = training_memory::output_gradient();
        window t = y;
        t.data = const_cast<std::byte*>(target); // it is only read
        for (auto& term : terms)
            if (term.by)
                term.by->put(tensor_at(y), reinterpret_cast<const float*>(target), reinterpret_cast<float*>(dy.data),
                             term.weight, scale, value);
        detail::launch_loss<Device>(area_of(y), terms, t, dy, reinterpret_cast<double*>(sums_.data()), value, scale);
    }
    call area_of(const window& y) const {
        call c;
        c.images = {0, plan_.batch}, c.rows = {0, y.height}, c.cols = {0, y.width};
        c.y = y, c.queue = device_.queue();
        return c;
    }
    void put_backward() {
        put_operations_back([](int) {});
        if (options_.weight_gradients) weights_.differentiate_preparations();
    }

    // after(operation): its gradients are in the queue.
    template <class F> void put_operations_back(F after) {
        begin_forward(); // nothing is computed again yet, also where the forward pass was recorded
        for (std::size_t s = plan_.forward; s < plan_.steps.size(); ++s) {
            const auto [what, i] = plan_.steps[s];
            if (what == training_step::kind::forward) {
                compute(i, true, false, by_library_[s].values);
                continue;
            }
            if (!part_of_last(s)) differentiate(s);
            after(i);
        }
    }

  protected:
    using device_memory = device_buffer<Device, memory_place::device>;
    // The way of a batch to the device: its upload goes on beside the work on the last one.
    struct upload_path {
        explicit upload_path(Device& d) : on_host(d), on_device(d) {}
        device_buffer<Device, memory_place::host> on_host;
        device_memory on_device;
        typename Device::event up, taken;
    };

    training_work work_of(training_work::kind what) const {
        return {.what = what,
                .where = where_,
                .batch = plan_.batch,
                .height = plan_.extents[0].height,
                .width = plan_.extents[0].width};
    }
    device_tensor tensor_at(const window& w) const {
        return {reinterpret_cast<const float*>(w.data), plan_.batch, w.height, w.width, w.channels};
    }
    void reserve(device_memory& memory, std::size_t bytes, const char* what) {
        const auto* const before = memory.data();
        memory.reserve(bytes, what);
        if (memory.data() != before) where_.moved();
    }
    static std::size_t bytes_of(tensor_view<const float> v) {
        return std::size_t(v.batch()) * std::size_t(v.height()) * std::size_t(v.width()) * std::size_t(v.channels()) *
               sizeof(float);
    }
    // To a tensor without gaps, once the work that is in the queue now is done with it.
    void upload(tensor_view<const float> from, std::byte* to, upload_path& path) {
        const std::size_t bytes = bytes_of(from);
        device_.wait(path.up); // the last upload
        path.on_host.reserve(bytes, "a batch"), path.on_device.reserve(bytes, "a batch");
        auto* at = reinterpret_cast<float*>(path.on_host.data());
        const int row = from.width() * from.channels();
        for (int n = 0; n < from.batch(); ++n)
            for (int h = 0; h < from.height(); ++h, at += row) std::copy_n(from.at(n, h, 0), row, at);
        device_.await(path.taken, device_lane::up);
        device_.upload(path.on_device.data(), path.on_host.data(), bytes, device_lane::up);
        device_.mark(path.up, device_lane::up);
        device_.await(path.up, device_lane::work);
        const copy_numbers k{reinterpret_cast<const float*>(path.on_device.data()), reinterpret_cast<float*>(to),
                             std::ptrdiff_t(bytes / sizeof(float))};
        Device::launch(device_.queue(), k, k.blocks());
        device_.mark(path.taken, device_lane::work);
    }
    tensor_view<const float> copy_of(const window& w, tensor<float>& to) {
        to = tensor<float>(plan_.batch, w.height, w.width, w.channels);
        const std::size_t bytes = to.size() * fovea::bytes_of(w.format);
        output_staging_.reserve(bytes, "an output");
        device_.download(output_staging_.data(), w.data, bytes);
        device_.wait();
        const device_numbers from{output_staging_.data(), w.format};
        for (std::size_t i = 0; i < to.size(); ++i) to.data()[i] = from[std::ptrdiff_t(i)];
        return std::as_const(to).view();
    }
    void clear(const window& w) {
        device_.clear(w.data, std::size_t(w.image_stride) * fovea::bytes_of(w.format) * std::size_t(plan_.batch));
    }

    call call_of(int i, bool again) {
        const operation& o = op(i);
        call c;
        c.a = o.a, c.dims = o.dims, c.queue = device_.queue();
        for (int k = 0; k < max_weights; ++k) c.w[std::size_t(k)] = weights_[o.w[k]];
        take_windows(c, i, again);
        return c;
    }
    // by_library: how it is computed; without, by the device's own kernel.
    void compute(int i, bool again, bool updates, const planned_convolution& by_library = {}) {
        const operation& o = op(i);
        const call c = call_of(i, again);
        if (c.statistics && !again) {
            gradient_call s = call_back(i);
            for (int k = 0; updates && k < max_weights; ++k)
                if (o.d.w[k] >= 0 && g_.weights[std::size_t(o.d.w[k])].kind == weight_kind::buffer)
                    s.dw[std::size_t(k)] = weights_[o.d.w[k]];
            o.d.statistics_before(s);
        }
        by_library ? by_library.run() : o.forward(c);
    }

    Device& device_;
    training_weights<Device>& weights_;
    library_convolutions<Device> library_;
    placement where_;
    recordings<Device, training_work> recordings_{device_};

  private:
    static training_options for_device(training_options o) {
        o.whole_calls = true;
        return o;
    }

    int number_of(int t) const { return t == network_engine::last ? int(g_.tensors.size()) - 1 : t; }

    // What the device's library computes of a step.
    struct library_step {
        planned_convolution values, weights; // values: or the gradient of the input
        bool takes_next = false;             // the activation that is the next step is part of it
        std::size_t biased = 0;              // with takes_next, not 0: so is the gradient of that step's bias
        bool has_its_bias = false;           // of a step that is `biased`
    };
    bool part_of_last(std::size_t s) const { return s > 0 && by_library_[s - 1].takes_next; }

    // Plans of the device's library, measured while the arena holds nothing.
    void find_convolutions() {
        begin_forward();
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
    // Whether the next step turns the gradient that this one computes, and nobody adds to, into that of what an
    // activation was given, in its place.
    bool activation_precedes(std::size_t s) const {
        if (s + 1 >= plan_.steps.size() || plan_.steps[s + 1].what != training_step::kind::backward) return false;
        const int i = plan_.steps[s].of, next = plan_.steps[s + 1].of;
        const operation &o = op(i), &activates = op(next);
        const auto computed = [&](int k) { return plan_.ways[std::size_t(k)][0] == gradient_way::computed; };
        return only_activates(activates) && activates.y == o.x[0] && o.x[1] != o.x[0] && computed(i) &&
               computed(next) && gradient(activates.x[0]).data == gradient(activates.y).data &&
               !again_[std::size_t(activates.x[0])];
    }
    // The next step backward from s on, if it needs the gradient of a bias that was added to tensor t; else 0.
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
            if (o.d.weights_scratch) bytes = std::max(bytes, o.d.weights_scratch(over(c, c.dy)));
            if (library_.any() && o.a.method == convolution_method::library)
                bytes = std::max(bytes, detail::scratch_for_library(c));
            if (o.d.input_scratch) bytes = std::max(bytes, o.d.input_scratch(over(c, c.x[0])));
        }
        return bytes;
    }
    static gradient_call over(gradient_call c, const window& w) { return detail::over(c, w); }
    static gradient_call over_target(const gradient_call& c) { return over(c, c.dx[0] ? c.dx[0] : c.dx[1]); }

    gradient_call call_back(int i) const {
        gradient_call c = gradient_call_of(i, weights_);
        c.queue = device_.queue(), c.scratch = scratch_.data();
        return c;
    }
    void differentiate(std::size_t s) {
        const int i = plan_.steps[s].of;
        const gradient_call whole = call_back(i);
        if (needs_weight_gradient(i)) put_weight_gradient(s, over(whole, whole.dy));
        if (whole.statistics) op(i).d.statistics_back(whole);
        gradient_call c = whole;
        if (take_targets(c, i)) put_input_gradient(s, over_target(c));
        each_passed(i, [&](const window& dx, bool adds) { pass(dx, whole.dy, adds); });
    }
    bool needs_weight_gradient(int i) const { return plan_.needs_weights[std::size_t(i)] && op(i).d.weights; }
    void put_weight_gradient(std::size_t s, gradient_call c) {
        const operation& o = op(plan_.steps[s].of);
        for (int k = 0; k < max_weights; ++k) c.dw[std::size_t(k)] = weights_.gradient(o.d.w[k]);
        c.outputs = {0, o.dims[0]};
        if (by_library_[s].has_its_bias) c.dw[1] = nullptr;
        const planned_convolution& by_library = by_library_[s].weights;
        if (!by_library) return o.d.weights(c);
        const gradient_call alike = detail::alike_for_weights(c);
        widen(alike.x[0], c.x[0]), widen(alike.dy, c.dy);
        by_library.run();
        add_from_scratch(c, by_library.plan->filters(), o.d.w[0], o.dims);
        detail::launch_bias_gradient<Device>(c); // which may overwrite the scratch memory then
    }
    void add_from_scratch(const gradient_call& c, number_format f, int weight, const weight_shape& dims) {
        detail::launch<Device>(c, add_filters(c.scratch, f, weights_.gradient(weight), dims));
    }
    // Without strides it is a convolution, in which tensors may differ in format.
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
        if (!l.values) return op(plan_.steps[s].of).d.input(c);
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

    device_memory memory_{device_}, scratch_{device_}, sums_{device_};
    device_buffer<Device, memory_place::host> output_staging_{device_};
    upload_path input_{device_}, gradient_{device_};
    std::vector<library_step> by_library_; // by step
    // On the host, by tensor: outputs; their gradients, where they are given there.
    std::map<int, tensor<float>> y_, dy_;
    tensor<float> dx_;
};

} // namespace fovea
