// Trains a network on a device: weights, optimizer state, and recorded steps. Nothing waits between the upload of a
// batch and the report of a step.
#pragma once
#include "fovea/distributed/training_group.hpp"
#include "fovea/engine/cuda/device_pass.hpp"
#include "fovea/engine/cuda/gradient_buckets.hpp"
#include "fovea/engine/host_update.hpp"
#include "fovea/loss/cuda/balance.hpp"

namespace fovea {

namespace detail {

// A base class, because it must be constructed before the pass that uses it.
template <class Device> struct trained_on_device {
    std::shared_ptr<Device> shared;
    training_weights<Device> of_network;
};

} // namespace detail

// The graph must have been traced for the device.
template <class Device>
class device_training_engine final : private detail::trained_on_device<Device>,
                                     public device_pass<Device, training_engine> {
    using home = detail::trained_on_device<Device>;
    using base = device_pass<Device, training_engine>;
    using frozen_pass = device_pass<Device, network_engine>;

  public:
    device_training_engine(const graph& g, weight_store& weights, gradient_store<float>& gradients,
                           const training_options& o, std::shared_ptr<Device> on)
        : home{on, training_weights<Device>(*on, g, weights, gradients, detail::trained_weights(g, o))},
          base(g, o, *on, home::of_network),
          optimizer_(*on, shapes_of_parameters(g)),
          buckets_(g, detail::trained_weights(g, o)) {
        values_.reserve(2 * sizeof(double), "losses");
    }
    ~device_training_engine() override { this->device_.settle(); } // ends also while other processes are awaited

    void weights_changed() override { weights_.host_changed(); }
    void download() override { weights_.download(); }
    void clear_gradients() override { weights_.clear_gradients(); }

    int first_not_finite(tensor_view<const float> x) override {
        load(x);
        this->begin_forward();
        if (weights_.take_stale()) weights_.prepare();
        tensor<float> y;
        for (std::size_t s = 0; s < this->plan_.forward; ++s) {
            const int i = this->plan_.steps[s].of;
            this->compute(i, false, false);
            this->copy_of(this->value(this->op(i).y, false), y);
            const std::span<const float> numbers(y.data(), y.size());
            if (!std::ranges::all_of(numbers, [](float v) { return std::isfinite(v); })) return i;
        }
        return -1;
    }

    void begin_step() override {
        weights_.refresh();
        weights_.clear_gradients();
        weights_.keep_buffers();
        optimizer_.begin_step();
        summed_ = false;
    }
    void join(training_group& g) override {
        base::join(g);
        this->device_.join(g);
    }
    // The batch is here already where it was the last one that was staged.
    void load(const micro_batch& b) override {
        const bool here =
            staged_ && staged_->input.data() == b.input.data() && staged_->target.data() == b.target.data();
        if (!here) load(b.input);
        batch_ = b, target_loaded_ = here, staged_.reset();
    }
    void load(tensor_view<const float> x) override {
        batch_ = {}, staged_.reset();
        base::load(x);
    }
    void load(std::span<const tensor_view<const float>> parts) override {
        batch_ = {}, staged_.reset();
        base::load(parts);
    }
    void stage(const micro_batch& b) override {
        base::load(b.input), load_target(b.target);
        staged_ = b;
    }
    tensor_view<const float> target_in_place() override {
        if (!std::exchange(target_loaded_, true)) load_target(batch_.target);
        window t = this->output_window();
        t.data = target_.data();
        return this->tensor_at(t);
    }

    // On the device where the loss is a sum of terms, which have kernels.
    std::optional<double> learn(const loss_function& loss, double weight, bool ends_step) override {
        if (loss.terms().empty()) return base::learn(loss, weight, ends_step);
        if (batch_.target.data()) target_in_place();
        training_work work = learning(training_work::kind::learn, ends_step);
        work.terms = weighted(loss.terms(), weight), work.of_terms = prepare(loss.terms());
        work.prepares = weights_.take_stale(), work.scale = scale_;
        this->recordings_.run(work, [&] {
            this->put_forward(false, work.prepares);
            this->put_loss(work.terms, target_.data(), &optimizer_.state()->loss, work.scale);
            put_gradients(work);
        });
        weights_.changed();
        return {};
    }
    // The same, where the frozen network is of this device, too.
    std::optional<balanced_losses> learn(const loss_function& loss, network_engine& frozen,
                                         const loss_function& of_frozen, double weight, bool ends_step) override {
        if (loss.terms().empty() || of_frozen.terms().empty() || frozen.memory() != this->memory())
            return base::learn(loss, frozen, of_frozen, weight, ends_step);
        auto& listener = static_cast<frozen_pass&>(frozen); // of this device, and so of this type
        target_in_place();
        const auto y = this->output_in_place();
        listener.load({&y, 1});
        training_work work = learning(training_work::kind::listen, ends_step);
        work.prepares = listener.take_stale(), work.where_frozen = listener.where();
        work.terms = loss.terms(), work.of_terms = prepare(loss.terms()), work.of_frozen = of_frozen.terms();
        work.weight = weight, work.scale = scale_;
        this->recordings_.run(work, [&] { put_listening(listener, work); });
        weights_.changed();
        return {};
    }
    void begin_update(const update_request& u) override {
        update_.emplace(u);
        const auto rule = u.optimizer.rule();
        if (!rule) return update_elsewhere(u);
        if (state_ == kept_on::host)
            optimizer_.upload(u.optimizer.states(), u.average ? &u.average->numbers() : nullptr);
        state_ = kept_on::device;
        optimizer_.upload({.how = *rule,
                           .step = u.optimizer.steps() + 1,
                           .learning_rate = u.learning_rate,
                           .max_gradient_norm = u.max_gradient_norm,
                           .average_share = u.average ? u.average->share() : 0});
        training_work work{.what = training_work::kind::update,
                           .where = optimizer_.where(),
                           .scale = scale_,
                           .how = *rule,
                           .processes = this->processes(),
                           .sums = this->processes() > 1 && !summed_};
        this->recordings_.run(work, [&] {
            put_whole_gradients(work.sums);
            optimizer_.step(work.how, weights_.parameters(), weights_.gradients());
        });
    }
    update_report end_update() override {
        update_report r = optimizer_.report();
        if (on_host_) { // all but the loss
            on_host_->loss = r.loss;
            r = *std::exchange(on_host_, std::nullopt);
            if (r.taken) weights_.host_changed();
        } else if (r.taken) {
            weights_.parameters_changed();
            ++update_->optimizer.steps();
            if (update_->average) ++update_->average->steps();
        }
        if (!r.taken) weights_.restore_buffers();
        return r;
    }
    void take_back() override { weights_.restore_buffers(); }
    bool works_by_itself() const override { return true; }

    bool gradients_may_vanish() const override { return this->g_.precision == precision_kind::float16; }
    void scale_loss(double scale) override { scale_ = scale; }

    void state_changed() override { state_ = kept_on::host; }
    void fetch_state(any_optimizer& optimizer, moving_average* average) override {
        if (state_ != kept_on::device) return;
        optimizer_.download(optimizer.states(), average ? &average->numbers() : nullptr);
        state_ = kept_on::both;
    }

    std::unique_ptr<network_engine> frozen(const training_options& o) override {
        return std::make_unique<frozen_pass>(this->g_, o, this->device_, weights_);
    }
    std::unique_ptr<training_engine> beside(const graph& g, weight_store& weights, gradient_store<float>& gradients,
                                            const training_options& o) override {
        return std::make_unique<device_training_engine>(g, weights, gradients, o, home::shared);
    }

  private:
    using base::batch_, base::weights_;
    enum class kept_on { host, both, device };

    void load_target(tensor_view<const float> t) {
        const window y = this->output_window();
        const int batch = this->plan_.batch;
        if (t.batch() != batch || t.height() != y.height || t.width() != y.width || t.channels() != y.channels)
            fail("a tensor of (", batch, ',', y.height, ',', y.width, ',', y.channels, ") beside a target of (",
                 t.batch(), ',', t.height(), ',', t.width(), ',', t.channels(), ')');
        this->reserve(target_, this->bytes_of(t), "the target");
        this->upload(t, target_.data(), target_path_);
    }
    static std::vector<parameter> shapes_of_parameters(const graph& g) {
        std::vector<parameter> all;
        for (auto& w : g.weights)
            if (w.kind == weight_kind::parameter) all.push_back({{}, w.dims, w.rank});
        return all;
    }
    static loss_terms weighted(loss_terms terms, double weight) {
        for (auto& term : terms) term.weight *= weight;
        return terms;
    }

    // Prepares the terms that networks compute.
    std::vector<placement> prepare(const loss_terms& terms) {
        std::vector<placement> all;
        for (auto& term : terms)
            if (term.by) term.by->prepare(*this, this->output_in_place()), all.push_back(term.by->where());
        return all;
    }
    training_work learning(typename training_work::kind what, bool ends_step) {
        training_work work = this->work_of(what);
        work.processes = this->processes(), work.sums = summed_ = work.processes > 1 && ends_step;
        return work;
    }
    void put_gradients(const training_work& work) {
        if (!work.sums) return this->put_backward();
        put_sums_of_forward();
        buckets_.begin(this->plan_);
        this->put_operations_back([&](int i) {
            buckets_.after(
                i, [&](const preparation& p) { weights_.differentiate(p); },
                [&](std::size_t begin, std::size_t count) { weights_.sum_gradients(begin, count); });
        });
        weights_.clear_prepared_gradients();
        end_sums();
    }
    // Sums over the processes, unless they were made during the backward pass; the scale of the loss is divided out.
    void put_whole_gradients(bool sums) {
        if (sums) {
            put_sums_of_forward();
            weights_.sum_gradients(0, weights_.numbers());
            end_sums();
        }
        if (scale_ != 1) weights_.divide_gradients(scale_);
    }
    // By an optimizer that has no kernels: on the host's copies.
    void update_elsewhere(const update_request& u) {
        put_whole_gradients(this->processes() > 1 && !summed_);
        weights_.changed(), weights_.download();
        if (host_parameters_.empty())
            host_parameters_ = parameters_of(this->g_, weights_.on_host(), &weights_.host_gradients()).parameters;
        on_host_ = update_on_host(host_parameters_, u, nullptr);
    }
    void put_sums_of_forward() {
        this->device_.sum(&optimizer_.state()->loss, 1);
        weights_.sum_buffers();
    }
    void end_sums() {
        this->device_.await_sums();
        weights_.divide_buffers(this->processes());
    }
    void put_listening(frozen_pass& listener, const training_work& work) {
        auto* const values = reinterpret_cast<double*>(values_.data()); // of the output and the frozen network
        this->device_.clear(values, 2 * sizeof(double));
        this->put_loss(work.terms, target_.data(), values, work.scale);
        listener.put_forward(true, work.prepares);
        listener.put_loss(work.of_frozen, nullptr, values + 1, work.scale);
        if (work.processes > 1) this->device_.sum(values, 2);
        listener.put_backward();
        if (work.processes > 1) this->device_.await_sums();
        const window dy = this->output_gradient_window();
        detail::launch_values<Device>(
            this->area_of(dy), balance_gradients{device_view(dy), device_view(listener.input_gradient_window()), values,
                                                 values + 1, work.weight, double(work.processes)});
        Device::launch(
            this->device_.queue(),
            report_balance{values, values + 1, work.weight, double(work.processes), &optimizer_.state()->loss},
            report_balance::blocks());
        put_gradients(work);
    }
    double scale_ = 1; // factor that gradients carry until the update
    device_optimizer<Device> optimizer_;
    gradient_buckets buckets_;
    bool summed_ = false; // the gradients of this step, over the processes
    std::optional<update_request> update_;
    std::optional<update_report> on_host_; // of an update there
    std::vector<parameter> host_parameters_;
    kept_on state_ = kept_on::host; // where the optimizer's state and the averages are newest
    typename base::device_memory target_{this->device_}, values_{this->device_};
    typename base::upload_path target_path_{this->device_};
    std::optional<micro_batch> staged_; // of the next load()
    bool target_loaded_ = false;        // of batch_
};

} // namespace fovea
