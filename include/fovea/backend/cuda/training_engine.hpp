// Trains a network on a device: a training plan's steps as kernels in one queue, with nothing that waits between the
// upload of a batch and the report of a step, but for batches whose upload has to make way for the next one.
#pragma once
#include "fovea/backend/cuda/engine.hpp"
#include "fovea/backend/cuda/gradients.hpp"
#include "fovea/backend/cuda/loss.hpp"
#include "fovea/backend/cuda/training_weights.hpp"
#include "fovea/model/training_engine.hpp"

namespace fovea {

// The gradient of an input that is that of the output.
struct passed_gradient {
    device_view dy; // (N,H,W,C)
    gradient_target to;
    FOVEA_HOST_DEVICE void operator()(pixel_position p, int c) const { to.put(p, c, dy.get(p, c)); }
};

// Of a graph that was traced for Backend in the mode `training`.
template <class Backend> class device_training_engine final : public training_engine, private training_memory {
  public:
    using device = typename Backend::device;

    device_training_engine(const graph& g, weight_store& weights, gradient_store<float>& gradients,
                           const training_options& o, std::unique_ptr<device> on)
        : training_memory(g, for_device(o), sizeof(float)),
          device_(std::move(on)),
          weights_(*device_, g, weights, gradients, trained_),
          optimizer_(*device_, shapes_of_parameters(g)) {}

    void upload_weights() override { weights_.upload(); }
    void download() override { weights_.download(); }

    void forward(tensor_view<const float> x, bool evaluating) override {
        load(x);
        for (std::size_t s = 0; s < plan_.forward; ++s) compute(plan_.steps[s].of, false, !evaluating);
        clear(training_memory::output_gradient());
        if (!evaluating) weights_.changed();
        on_host_ = false;
    }
    tensor_view<const float> output() override { return copy_of(training_memory::output(), y_); }
    tensor_view<float> output_gradient() override {
        const window w = training_memory::output_gradient();
        if (!std::exchange(on_host_, true)) dy_ = tensor<float>(plan_.batch, w.height, w.width, w.channels);
        return dy_.view();
    }
    void backward() override {
        if (on_host_) upload(dy_.view(), training_memory::output_gradient().data, target_staging_);
        for (std::size_t s = plan_.forward; s < plan_.steps.size(); ++s) {
            const auto [what, i] = plan_.steps[s];
            what == training_step::kind::forward ? compute(i, true, false) : differentiate(i);
        }
        weights_.differentiate_preparations();
        weights_.changed();
    }
    tensor_view<const float> input_gradient() override { return copy_of(training_memory::input_gradient(), dx_); }
    void clear_gradients() override { weights_.clear_gradients(); }
    std::size_t bytes() const override { return plan_.bytes; }

    int first_not_finite(tensor_view<const float> x) override {
        load(x);
        for (std::size_t s = 0; s < plan_.forward; ++s) {
            const int i = plan_.steps[s].of;
            compute(i, false, false);
            copy_of(value(op(i).y, false), y_);
            const std::span<const float> y(y_.data(), y_.size());
            if (!std::ranges::all_of(y, [](float v) { return std::isfinite(v); })) return i;
        }
        return -1;
    }

    void begin_step() override {
        weights_.clear_gradients();
        weights_.keep_buffers();
        optimizer_.begin_step();
    }
    void add_loss(const loss_terms& terms, tensor_view<const float> t, double weight) override {
        const window y = training_memory::output();
        if (t.batch() != plan_.batch || t.height() != y.height || t.width() != y.width || t.channels() != y.channels)
            fail("a tensor of (", plan_.batch, ',', y.height, ',', y.width, ',', y.channels, ") beside a target of (",
                 t.batch(), ',', t.height(), ',', t.width(), ',', t.channels(), ')');
        window target = y;
        target_.reserve(bytes_of(t), "the target");
        target.data = target_.data();
        upload(t, target.data, target_staging_);
        const std::size_t bytes = detail::loss_scratch(plan_.batch, y);
        sums_.reserve(bytes, "sums of the loss");
        loss_terms weighted = terms;
        for (auto& term : weighted) term.weight *= weight;
        detail::launch_loss<device>(area_of(y), weighted, target, training_memory::output_gradient(),
                                    reinterpret_cast<double*>(sums_.data()), &optimizer_.state()->loss);
    }
    update_report update(const weight_update& u) override {
        optimizer_.step(u, weights_.parameters(), weights_.gradients());
        update_report r = optimizer_.report();
        has_waited();
        r.taken ? weights_.parameters_changed() : weights_.restore_buffers();
        return r;
    }
    void take_back() override { weights_.restore_buffers(); }

    void upload_state(const state_vectors& s, std::vector<std::vector<float>>* averages) override {
        optimizer_.upload(s, averages);
    }
    void download_state(const state_vectors& s, std::vector<std::vector<float>>* averages) override {
        optimizer_.download(s, averages);
    }

  private:
    using device_memory = device_buffer<device, memory_place::device>;
    struct staging_memory {
        explicit staging_memory(device& d) : memory(d) {}
        device_buffer<device, memory_place::host> memory;
        bool pending = false; // an upload may still read it
    };

    static training_options for_device(training_options o) {
        if (o.storage != number_format::float32)
            fail("training on a GPU in 16 bits is not there yet: expected precision float32");
        o.whole_calls = true;
        return o;
    }
    static std::vector<parameter> shapes_of_parameters(const graph& g) {
        std::vector<parameter> all;
        for (auto& w : g.weights)
            if (w.kind == weight_kind::parameter) all.push_back({{}, w.dims, w.rank});
        return all;
    }

    // Memory for a batch of that size, its values in the arena, and weights that are prepared.
    void load(tensor_view<const float> x) {
        detail::check_input(g_, x);
        begin_forward();
        if (plan_for({x.height(), x.width()}, x.batch())) {
            memory_.reserve(plan_.bytes, "the activations of a training step, of which a smaller batch has fewer");
            arena_ = memory_.data();
            reserve_scratch();
        }
        weights_.prepare();
        upload(x, value(0, false).data, input_staging_);
    }
    void reserve_scratch() {
        std::size_t bytes = 0;
        for (int i = 0; i < int(g_.operations.size()); ++i) {
            const operation& o = op(i);
            const gradient_call c = gradient_call_of(i, weights_);
            if (o.d.weights_scratch) bytes = std::max(bytes, o.d.weights_scratch(over(c, c.dy)));
            if (o.d.input_scratch) bytes = std::max(bytes, o.d.input_scratch(over(c, c.x[0])));
        }
        scratch_.reserve(bytes, "scratch");
    }
    static gradient_call over(gradient_call c, const window& w) { return detail::over(c, w); }

    static std::size_t bytes_of(tensor_view<const float> v) {
        return std::size_t(v.batch()) * std::size_t(v.height()) * std::size_t(v.width()) * std::size_t(v.channels()) *
               sizeof(float);
    }
    // To a tensor without gaps. The staging memory may still be read for the last upload from it.
    void upload(tensor_view<const float> from, std::byte* to, staging_memory& staging) {
        if (staging.pending) wait();
        staging.pending = true;
        staging.memory.reserve(bytes_of(from), "a batch");
        auto* at = reinterpret_cast<float*>(staging.memory.data());
        const int row = from.width() * from.channels();
        for (int n = 0; n < from.batch(); ++n)
            for (int h = 0; h < from.height(); ++h, at += row) std::copy_n(from.at(n, h, 0), row, at);
        device_->upload(to, staging.memory.data(), bytes_of(from));
    }
    void wait() {
        device_->wait();
        has_waited();
    }
    void has_waited() { input_staging_.pending = target_staging_.pending = false; }
    tensor_view<const float> copy_of(const window& w, tensor<float>& to) {
        to = tensor<float>(plan_.batch, w.height, w.width, w.channels);
        const std::size_t bytes = to.size() * sizeof(float);
        output_staging_.reserve(bytes, "an output");
        device_->download(output_staging_.data(), w.data, bytes);
        wait();
        std::memcpy(to.data(), output_staging_.data(), bytes);
        return std::as_const(to).view();
    }
    void clear(const window& w) {
        device_->clear(w.data, std::size_t(w.image_stride) * sizeof(float) * std::size_t(plan_.batch));
    }
    call area_of(const window& y) const {
        call c;
        c.images = {0, plan_.batch}, c.rows = {0, y.height}, c.cols = {0, y.width};
        c.y = y, c.queue = device_->queue();
        return c;
    }

    void compute(int i, bool again, bool updates) {
        const operation& o = op(i);
        call c;
        c.a = o.a, c.dims = o.dims, c.queue = device_->queue();
        for (int k = 0; k < max_weights; ++k) c.w[std::size_t(k)] = weights_[o.w[k]];
        take_windows(c, i, again);
        if (c.statistics && !again) {
            gradient_call s = call_back(i);
            for (int k = 0; updates && k < max_weights; ++k)
                if (o.d.w[k] >= 0 && g_.weights[std::size_t(o.d.w[k])].kind == weight_kind::buffer)
                    s.dw[std::size_t(k)] = weights_[o.d.w[k]];
            o.d.statistics_before(s);
        }
        o.forward(c);
    }
    gradient_call call_back(int i) const {
        gradient_call c = gradient_call_of(i, weights_);
        c.queue = device_->queue(), c.scratch = scratch_.data();
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
        if (take_targets(c, i)) o.d.input(over(c, c.dx[0] ? c.dx[0] : c.dx[1]));
        each_passed(i, [&](const window& dx, bool adds) { pass(dx, whole.dy, adds); });
    }
    void pass(const window& dx, const window& dy, bool adds) {
        gradient_call c;
        c.images = {0, plan_.batch}, c.dx[0] = dx, c.accumulates[0] = adds, c.queue = device_->queue();
        detail::launch_gradient<device>(over(c, dx), passed_gradient{device_view(dy), gradient_target(c, 0)});
    }

    std::unique_ptr<device> device_; // before what lives on it
    training_weights<device> weights_;
    device_optimizer<device> optimizer_;
    device_memory memory_{*device_}, scratch_{*device_}, target_{*device_}, sums_{*device_};
    device_buffer<device, memory_place::host> output_staging_{*device_};
    staging_memory input_staging_{*device_}, target_staging_{*device_};
    tensor<float> y_, dy_, dx_; // on the host
    bool on_host_ = false;      // the gradient of the output is dy_
};

} // namespace fovea
