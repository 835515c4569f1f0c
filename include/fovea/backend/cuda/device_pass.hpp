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
        for (std::size_t s = 0; s < plan_.forward; ++s) compute(plan_.steps[s].of, false, !evaluating);
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
            if (what == training_step::kind::forward)
                compute(i, true, false);
            else
                differentiate(i), after(i);
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
    void compute(int i, bool again, bool updates) {
        const operation& o = op(i);
        const call c = call_of(i, again);
        if (c.statistics && !again) {
            gradient_call s = call_back(i);
            for (int k = 0; updates && k < max_weights; ++k)
                if (o.d.w[k] >= 0 && g_.weights[std::size_t(o.d.w[k])].kind == weight_kind::buffer)
                    s.dw[std::size_t(k)] = weights_[o.d.w[k]];
            o.d.statistics_before(s);
        }
        const auto by_library = library_.find(c, {});
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

    // Plans of the device's library, measured while the arena holds nothing.
    void find_convolutions() {
        begin_forward();
        for (std::size_t s = 0; s < plan_.steps.size(); ++s) {
            const auto [what, i] = plan_.steps[s];
            if (what == training_step::kind::forward) {
                library_.find(call_of(i, s >= plan_.forward), {});
                continue;
            }
            gradient_call c = call_back(i);
            if (take_targets(c, i)) input_gradient_by_library(op(i), over(c, c.dx[0] ? c.dx[0] : c.dx[1]));
        }
        library_.save({});
    }
    std::size_t scratch_bytes() const {
        std::size_t bytes = 0;
        for (int i = 0; i < int(g_.operations.size()); ++i) {
            const operation& o = op(i);
            const gradient_call c = gradient_call_of(i, weights_);
            if (o.d.weights_scratch) bytes = std::max(bytes, o.d.weights_scratch(over(c, c.dy)));
            if (o.d.input_scratch) bytes = std::max(bytes, o.d.input_scratch(over(c, c.x[0])));
        }
        return bytes;
    }
    static gradient_call over(gradient_call c, const window& w) { return detail::over(c, w); }

    gradient_call call_back(int i) const {
        gradient_call c = gradient_call_of(i, weights_);
        c.queue = device_.queue(), c.scratch = scratch_.data();
        return c;
    }
    void differentiate(int i) {
        const operation& o = op(i);
        const gradient_call whole = call_back(i);
        if (plan_.needs_weights[std::size_t(i)] && o.d.weights) {
            gradient_call c = over(whole, whole.dy);
            for (int k = 0; k < max_weights; ++k) c.dw[std::size_t(k)] = weights_.gradient(o.d.w[k]);
            c.outputs = {0, o.dims[0]};
            o.d.weights(c);
        }
        if (whole.statistics) o.d.statistics_back(whole);
        gradient_call c = whole;
        if (take_targets(c, i)) put_input_gradient(o, over(c, c.dx[0] ? c.dx[0] : c.dx[1]));
        each_passed(i, [&](const window& dx, bool adds) { pass(dx, whole.dy, adds); });
    }
    planned_convolution input_gradient_by_library(const operation& o, const gradient_call& c) {
        return c.arranged ? library_.find(detail::input_gradient_as_call(c, o.a), {}) : planned_convolution{};
    }
    void put_input_gradient(const operation& o, const gradient_call& c) {
        const auto by_library = input_gradient_by_library(o, c);
        by_library ? by_library.run() : o.d.input(c);
    }
    void pass(const window& dx, const window& dy, bool adds) {
        gradient_call c;
        c.images = {0, plan_.batch}, c.dx[0] = dx, c.accumulates[0] = adds, c.queue = device_.queue();
        detail::launch_gradient<Device>(over(c, dx), passed_gradient{device_view(dy), gradient_target(c, 0)});
    }

    device_memory memory_{device_}, scratch_{device_}, sums_{device_};
    device_buffer<Device, memory_place::host> output_staging_{device_};
    upload_path input_{device_}, gradient_{device_};
    // On the host, by tensor: outputs; their gradients, where they are given there.
    std::map<int, tensor<float>> y_, dy_;
    tensor<float> dx_;
};

} // namespace fovea
