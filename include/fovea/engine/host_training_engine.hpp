// The engine that trains on the threads of a context.
#pragma once
#include <concepts>

#include "fovea/engine/differentiate.hpp"
#include "fovea/engine/host_update.hpp"
#include "fovea/engine/training_engine.hpp"

namespace fovea {

namespace detail {

template <class Real> tensor_view<Real> view_of(const window& w, int batch) {
    Real* data = reinterpret_cast<Real*>(w.data) - std::ptrdiff_t(w.left) * w.channels;
    return {data, batch, w.height, w.width, w.channels, w.row_stride, w.image_stride};
}

inline constexpr char host_memory = 0; // its address stands for the memory of all engines on the host

// The weights of a network, and whether those that are derived from others are out of date. Shared by the engine that
// trains them and by those of the same network that are frozen.
template <class Real> struct host_weights {
    const graph& g;
    weight_store& values;
    context threads;
    bool stale = true;

    void refresh() {
        if (std::exchange(stale, false)) values.refresh(g, threads, sizeof(Real));
    }
};

// Interface: basic_network_engine<Real>, or one that is derived from it.
template <class Real, class Interface> class host_pass : public Interface {
  public:
    // gradients: null where options.weight_gradients is false.
    host_pass(host_weights<Real>& weights, gradient_store<Real>* gradients, const training_options& o)
        : weights_(weights), run_(weights.g, weights.values, gradients, weights.threads, o) {}

    using Interface::load;
    void load(tensor_view<const Real> x) override { load(std::span(&x, 1)); }
    void load(std::span<const tensor_view<const Real>> parts) override {
        const context::usage mine(weights_.threads);
        batch_ = check_inputs(weights_.g, parts);
        run_.prepare({parts[0].height(), parts[0].width()}, batch_);
        const auto to = view_of<Real>(run_.input(), batch_);
        int at = 0;
        for (auto& part : parts)
            for (int n = 0; n < part.batch(); ++n, ++at)
                for (int h = 0; h < part.height(); ++h)
                    std::copy_n(part.at(n, h, 0), std::ptrdiff_t(part.width()) * part.channels(), to.at(at, h, 0));
    }
    void forward(bool evaluating) override {
        const context::usage mine(weights_.threads);
        weights_.refresh();
        run_.forward(evaluating);
    }
    tensor_view<const Real> output(int t) override { return view_of<const Real>(run_.output(number_of(t)), batch_); }
    tensor_view<Real> output_gradient(int t) override {
        return view_of<Real>(run_.output_gradient(number_of(t)), batch_);
    }
    tensor_view<const Real> output_in_place() override { return this->output(Interface::last); }
    void backward() override {
        const context::usage mine(weights_.threads);
        run_.backward();
    }
    tensor_view<const Real> input_gradient() override { return view_of<const Real>(run_.input_gradient(), batch_); }
    std::size_t bytes() const override { return run_.bytes(); }
    const void* memory() const override { return &host_memory; }
    void between_operations(std::function<void()> f) override { run_.between_operations(std::move(f)); }

  protected:
    int first_not_finite_in(tensor_view<const Real> x) {
        const context::usage mine(weights_.threads);
        int found = -1;
        load(x);
        weights_.refresh();
        run_.forward(true, [&](const operation& o, const window& y) {
            const auto v = view_of<const Real>(y, batch_);
            for (int n = 0; n < batch_; ++n)
                for (int h = 0; h < v.height(); ++h)
                    for (int i = 0; i < v.width() * v.channels(); ++i)
                        if (!std::isfinite(v.at(n, h, 0)[i])) {
                            found = int(&o - weights_.g.operations.data());
                            return false;
                        }
            return true;
        });
        return found;
    }

    host_weights<Real>& weights_;

  private:
    int number_of(int t) const { return t == Interface::last ? int(weights_.g.tensors.size()) - 1 : t; }

    differentiator<Real> run_;
    int batch_ = 0;
};

template <class Real>
struct with_host_weights { // a base class, because it must be constructed before the pass that reads it
    host_weights<Real> shared;
};

// Interface: basic_learning_engine<Real>, or training_engine.
template <class Real, class Interface>
class host_learning_pass : private with_host_weights<Real>, public host_pass<Real, Interface> {
  public:
    host_learning_pass(const graph& g, weight_store& weights, gradient_store<Real>& gradients, context threads,
                       const training_options& o)
        : with_host_weights<Real>{{g, weights, std::move(threads)}},
          host_pass<Real, Interface>(with_host_weights<Real>::shared, &gradients, o),
          gradients_(gradients) {}

    void weights_changed() override { this->weights_.stale = true; }
    void download() override {} // there are no other copies
    void clear_gradients() override { gradients_.clear(this->weights_.threads); }
    int first_not_finite(tensor_view<const Real> x) override { return this->first_not_finite_in(x); }
    std::unique_ptr<basic_network_engine<Real>> frozen(const training_options& o) override {
        return std::make_unique<host_pass<Real, basic_network_engine<Real>>>(this->weights_, nullptr, o);
    }

  private:
    gradient_store<Real>& gradients_;
};

} // namespace detail

// Trains a network on the threads of a context. begin_update() does all of the update. It is a template only so that
// programs which include it and train nothing do not pay for compiling it.
template <std::same_as<float> Real>
class host_training_engine final : public detail::host_learning_pass<Real, training_engine> {
    using base = detail::host_learning_pass<Real, training_engine>;

  public:
    host_training_engine(const graph& g, weight_store& weights, gradient_store<float>& gradients, context threads,
                         const training_options& o)
        : base(g, weights, gradients, std::move(threads), o), all_(parameters_of(g, weights, &gradients)) {}

    // As training_engine describes them.
    void begin_step() override {
        this->clear_gradients();
        kept_buffers_.clear();
        for (auto& b : all_.buffers) kept_buffers_.insert(kept_buffers_.end(), b.value, b.value + b.size());
    }
    void begin_update(const update_request& u) override {
        if (this->group_) sum_over_processes();
        report_ = update_on_host(all_.parameters, u, &this->weights_.threads);
        if (report_.taken)
            this->weights_changed();
        else
            take_back();
    }
    update_report end_update() override { return std::move(report_); }
    void take_back() override { // forward passes have updated running estimates
        const float* before = kept_buffers_.data();
        for (auto& b : all_.buffers) before = (std::copy_n(before, b.size(), b.value), before + b.size());
    }

  private:
    // Replaces gradients by their sums over the processes, and running estimates by their means.
    void sum_over_processes() {
        std::vector<std::span<float>> all;
        for (auto& p : all_.parameters) all.push_back(p.gradients());
        for (auto& b : all_.buffers) all.push_back(b.values());
        summed_.clear();
        for (auto& v : all) summed_.insert(summed_.end(), v.begin(), v.end());
        this->group_->sum(std::span(summed_));
        const float* from = summed_.data();
        for (auto& v : all) std::copy_n(from, v.size(), v.data()), from += v.size();
        for (auto& b : all_.buffers)
            for (float& v : b.values()) v /= float(this->processes());
    }

    network_parameters<float> all_;
    std::vector<float> kept_buffers_; // running estimates at the beginning of the step
    std::vector<float> summed_;       // gradients and running estimates of all processes
    update_report report_{};
};

} // namespace fovea
