// Runs a network forward and backward over a batch on a device: the operations of a training plan in one queue,
// recorded as CUDA graphs for batches of the same size. Only copies to the host wait.
#pragma once
#include <map>

#include "fovea/engine/cuda/device_operations.hpp"
#include "fovea/engine/cuda/engine.hpp"
#include "fovea/engine/cuda/network_loss.hpp"
#include "fovea/engine/cuda/recordings.hpp"
#include "fovea/engine/training_engine.hpp"
#include "fovea/loss/cuda/loss_kernels.hpp"

namespace fovea {

// Key of recorded work: everything that it depends on except numbers in memory.
struct training_work {
    enum class kind { forward, backward, learn, listen, update } what;
    placement where{}, where_frozen{};
    int batch = 0, height = 0, width = 0;
    bool evaluating = false, prepares = false;
    loss_terms terms{}, of_frozen{};
    std::vector<placement> of_terms{};
    double weight = 1, scale = 1; // weight of the loss; scale of gradients
    update_rule how{};
    int processes = 1;
    bool sums = false; // sums gradients over the processes
    bool operator==(const training_work&) const = default;
};

// Interface is network_engine or a class derived from it. Device and weights, which must belong to the same graph, must
// outlive it.
template <class Device, class Interface> class device_pass : public Interface, protected device_operations<Device> {
    using operations = device_operations<Device>;

  public:
    device_pass(const graph& g, const training_options& o, Device& device, training_weights<Device>& weights)
        : operations(g, o, device, weights) {
        for (int t : o.outputs)
            if (g.tensors[std::size_t(t)].format != number_format::float32)
                fail("precision ", name_of(g.precision),
                     ": what a loss reads inside this network is kept in 16 bits: expected float32");
    }

    using Interface::load;
    void load(tensor_view<const float> x) override {
        detail::check_input(g_, x);
        make_room({x.height(), x.width()}, x.batch());
        upload(x, value(0, false).data, input_);
    }
    // Tensors without gaps in the memory of this device.
    void load(std::span<const tensor_view<const float>> parts) override {
        const int batch = detail::check_inputs(g_, parts);
        make_room({parts[0].height(), parts[0].width()}, batch);
        auto* to = reinterpret_cast<float*>(value(0, false).data);
        for (auto& part : parts) {
            const auto numbers = std::ptrdiff_t(bytes_of(part) / sizeof(float));
            const copy_numbers k{part.data(), to, numbers};
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
        return copy_of(operations::output(number_of(t)), y_[number_of(t)]);
    }
    tensor_view<float> output_gradient(int t = network_engine::last) override {
        const window w = operations::output_gradient(number_of(t));
        return dy_.try_emplace(number_of(t), plan_.batch, w.height, w.width, w.channels).first->second.view();
    }
    tensor_view<const float> output_in_place() override { return tensor_at(operations::output()); }
    void backward() override {
        for (auto& [t, dy] : dy_) upload(dy.view(), operations::output_gradient(t).data, gradient_);
        recordings_.run(work_of(training_work::kind::backward), [&] { put_backward(); });
        if (options_.weight_gradients) weights_.changed();
    }
    tensor_view<const float> input_gradient() override { return copy_of(operations::input_gradient(), dx_); }
    std::size_t bytes() const override { return plan_.bytes; }
    const void* memory() const override { return device_.queue(); } // what is put into it runs in order

    // ---- for callers that queue it together with other work
    const placement& where() const { return where_; }
    bool take_stale() { return weights_.take_stale(); }
    void prepare_weights() { weights_.prepare(); }
    Device& device() const { return device_; }
    window input_window() const { return value(0, false); }
    window output_window(int t = network_engine::last) const { return operations::output(number_of(t)); }
    window output_gradient_window(int t = network_engine::last) const {
        return operations::output_gradient(number_of(t));
    }
    window input_gradient_window() const { return operations::input_gradient(); }
    // Reserves memory for a batch of that size.
    void make_room(extent input, int batch) {
        if (!plan_for(input, batch) && memory_.bytes() >= plan_.bytes) return;
        reserve(memory_, plan_.bytes, "the activations of a training step, of which a smaller batch has fewer");
        arena_ = memory_.data();
        reserve(sums_, detail::loss_scratch(batch, operations::output()), "sums of the loss");
        this->prepare_operations();
    }
    void put_forward(bool evaluating, bool prepares) {
        begin_forward();
        if (prepares) weights_.prepare();
        for (std::size_t s = 0; s < plan_.forward; ++s) this->put_step_forward(s, !evaluating);
        clear(operations::output_gradient());
        for (int t : options_.outputs)
            if (plan_.needs_gradient[std::size_t(t)]) clear(operations::output_gradient(t));
    }
    // Adds the loss to *sum, and `scale` times its gradient to the gradient of the output.
    void put_loss(const loss_terms& terms, const std::byte* target, double* sum, double scale) {
        const window y = operations::output(), dy = operations::output_gradient();
        window t = y;
        t.data = const_cast<std::byte*>(target); // only read
        for (auto& term : terms)
            if (term.by)
                term.by->put(tensor_at(y), reinterpret_cast<const float*>(target), reinterpret_cast<float*>(dy.data),
                             term.weight, scale, sum);
        detail::launch_loss<Device>(area_of(y), terms, t, dy, reinterpret_cast<double*>(sums_.data()), sum, scale);
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

    // Calls after(operation) when the operation's gradients have been queued.
    template <class F> void put_operations_back(F after) {
        begin_forward(); // forgets recomputed values, also if the forward pass was replayed
        for (std::size_t s = plan_.forward; s < plan_.steps.size(); ++s) {
            this->put_step_back(s);
            if (plan_.steps[s].what == training_step::kind::backward) after(plan_.steps[s].of);
        }
    }

  protected:
    using operations::arena_, operations::begin_forward, operations::device_, operations::g_, operations::options_,
        operations::plan_, operations::plan_for, operations::reserve, operations::value, operations::weights_,
        operations::where_;
    using typename operations::device_memory;

    // Staging for uploads of batches, which overlap with the work on the previous batch.
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
    tensor_view<const float> tensor_at(const window& w) const {
        return {reinterpret_cast<const float*>(w.data), plan_.batch, w.height, w.width, w.channels};
    }
    static std::size_t bytes_of(tensor_view<const float> v) {
        return std::size_t(v.batch()) * std::size_t(v.height()) * std::size_t(v.width()) * std::size_t(v.channels()) *
               sizeof(float);
    }
    // Uploads to a dense tensor, after the work that is in the queue now.
    void upload(tensor_view<const float> from, std::byte* to, upload_path& path) {
        const std::size_t bytes = bytes_of(from);
        device_.wait(path.up); // the previous upload, which reads the staging memory
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

    recordings<Device, training_work> recordings_{device_};

  private:
    int number_of(int t) const { return t == network_engine::last ? int(g_.tensors.size()) - 1 : t; }

    device_memory memory_{device_}, sums_{device_};
    device_buffer<Device, memory_place::host> output_staging_{device_};
    upload_path input_{device_}, gradient_{device_};
    // Copies on the host, by tensor: outputs, and output gradients that were given there.
    std::map<int, tensor<float>> y_, dy_;
    tensor<float> dx_;
};

} // namespace fovea
