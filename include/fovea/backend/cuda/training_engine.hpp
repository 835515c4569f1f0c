// Trains a network on a device: its weights, what the optimizer remembers, and steps that are recorded. Nothing waits
// between the upload of a batch and the report of a step.
#pragma once
#include "fovea/backend/cuda/device_pass.hpp"
#include "fovea/loss/weighted_sum.hpp"

namespace fovea {

// dy = weight (dy / |own| + dx / |heard|), the divisors being constants.
struct balance_gradients {
    device_view dy, dx; // (N,H,W,C)
    const double *own, *heard;
    double weight;
    FOVEA_HOST_DEVICE void operator()(pixel_position p, int c) const {
        const double to = double(dy.get(p, c)), from = double(dx.get(p, c));
        dy.put(p, c, float(weight * detached_ratio(*own) * to + weight * detached_ratio(*heard) * from));
    }
};
// *loss += weight own, or what is not finite of the two.
struct report_balance {
    static constexpr int threads = 1;
    using shared = nothing_kept;
    using own_memory = nothing_kept;
    using own = nothing_kept;

    const double *of_own, *heard;
    double weight;
    double* loss;

    static int blocks() { return 1; }
    FOVEA_HOST_DEVICE int phases() const { return 1; }
    FOVEA_HOST_DEVICE void operator()(int, int, int, shared&, own&) const {
        const double both = *of_own + *heard;
        *loss += weight * (fabs(both) < HUGE_VAL ? *of_own : both);
    }
};

namespace detail {

template <class Device> struct trained_on_device { // before what lives on it
    std::shared_ptr<Device> shared;
    training_weights<Device> of_network;
};

} // namespace detail

// Of a graph that was traced for the device.
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
          optimizer_(*on, shapes_of_parameters(g)) {
        values_.reserve(2 * sizeof(double), "losses");
    }

    void upload_weights() override { weights_.upload(); }
    void download() override { weights_.download(); }
    void clear_gradients() override { weights_.clear_gradients(); }

    int first_not_finite(tensor_view<const float> x) override {
        this->load(x);
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
        weights_.clear_gradients();
        weights_.keep_buffers();
        optimizer_.begin_step();
    }
    void load_target(tensor_view<const float> t) override {
        const window y = this->output_window();
        const int batch = this->plan_.batch;
        if (t.batch() != batch || t.height() != y.height || t.width() != y.width || t.channels() != y.channels)
            fail("a tensor of (", batch, ',', y.height, ',', y.width, ',', y.channels, ") beside a target of (",
                 t.batch(), ',', t.height(), ',', t.width(), ',', t.channels(), ')');
        this->reserve(target_, this->bytes_of(t), "the target");
        this->upload(t, target_.data(), target_staging_);
    }
    device_tensor target_on_device() const override {
        window t = this->output_window();
        t.data = target_.data();
        return this->tensor_at(t);
    }
    void learn(const loss_terms& terms, double weight) override {
        training_work work = this->work_of(training_work::kind::learn);
        work.terms = weighted(terms, weight), work.prepares = weights_.take_stale();
        this->recordings_.run(work, [&] {
            this->put_forward(false, work.prepares);
            this->put_loss(work.terms, target_.data(), &optimizer_.state()->loss);
            this->put_backward();
        });
        weights_.changed();
    }
    void learn(const loss_terms& terms, network_engine& frozen, const loss_terms& of_frozen, double weight) override {
        if (frozen.queue() != this->queue())
            fail("a frozen network of another device: expected one that was made beside the network that learns");
        auto& listener = static_cast<frozen_pass&>(frozen); // of this device, and so of this type
        const device_tensor y = this->output_on_device();
        listener.load({&y, 1});
        training_work work = this->work_of(training_work::kind::listen);
        work.prepares = listener.take_stale(), work.where_frozen = listener.where();
        work.terms = terms, work.of_frozen = of_frozen, work.weight = weight;
        this->recordings_.run(work, [&] { put_listening(listener, work); });
        weights_.changed();
    }
    update_report update(const weight_update& u) override {
        optimizer_.upload(u);
        training_work work{.what = training_work::kind::update, .where = optimizer_.where(), .how = u.how};
        this->recordings_.run(work, [&] { optimizer_.step(u.how, weights_.parameters(), weights_.gradients()); });
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

    std::unique_ptr<network_engine> frozen(const training_options& o) override {
        return std::make_unique<frozen_pass>(this->g_, o, this->device_, weights_);
    }
    std::unique_ptr<training_engine> beside(const graph& g, weight_store& weights, gradient_store<float>& gradients,
                                            const training_options& o) override {
        return std::make_unique<device_training_engine>(g, weights, gradients, o, home::shared);
    }

  private:
    using base::weights_;

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

    void put_listening(frozen_pass& listener, const training_work& work) {
        auto* const values = reinterpret_cast<double*>(values_.data()); // of the output's terms, of the listener's
        this->device_.clear(values, 2 * sizeof(double));
        this->put_loss(work.terms, target_.data(), values);
        listener.put_forward(true, work.prepares);
        listener.put_loss(work.of_frozen, nullptr, values + 1);
        listener.put_backward();
        const window dy = this->output_gradient_window();
        detail::launch_values<Device>(
            this->area_of(dy), balance_gradients{device_view(dy), device_view(listener.input_gradient_window()), values,
                                                 values + 1, work.weight});
        Device::launch(this->device_.queue(),
                       report_balance{values, values + 1, work.weight, &optimizer_.state()->loss},
                       report_balance::blocks());
        this->put_backward();
    }
    void has_waited() override {
        base::has_waited();
        target_staging_.pending = false;
    }

    device_optimizer<Device> optimizer_;
    typename base::device_memory target_{this->device_}, values_{this->device_};
    typename base::staging_memory target_staging_{this->device_};
};

} // namespace fovea
