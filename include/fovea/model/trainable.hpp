// A network that learns: forward, a loss outside, backward, an optimizer outside.
//
//   trainable<network, cpu> net{{.seed = 1, .threads = &threads}};
//   auto y = net.forward(x);                       // (N,H,W,C) to (N,H*scale,W*scale,C')
//   double loss = l2_loss{}(y, target, net.output_gradient());
//   net.backward();                                // adds to the gradients of net.parameters()
//   optimizer.step(net.parameters(), 1e-3); net.weights_changed(); net.clear_gradients();
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "fovea/core/random.hpp"
#include "fovea/engine/differentiate.hpp"
#include "fovea/engine/training_engine.hpp"
#include "fovea/graph/parameter.hpp"
#include "fovea/model/load.hpp"
#include "fovea/model/model.hpp"
#include "fovea/tensor/tensor.hpp"

namespace fovea {

struct trainable_options {
    depths depth{};
    std::uint64_t seed = 0;     // of the initial weights
    double gain = 1;            // of initial convolutions: normal numbers of variance gain^2 * 2 / inputs
    context* threads = nullptr; // the network keeps a copy of it; none: one thread
    bool input_gradient = false;
    bool batch_statistics = true;
    convolution_method convolution = convolution_method::automatic;
    // bfloat16, float16: of what is kept for the backward pass; on a GPU of all activations and their gradients
    precision_kind precision = precision_kind::float32;
    training_engine* beside = nullptr; // on a GPU: with the queue of that network's engine, so that one can read the
                                       // other's output there
};

namespace detail {

template <class Real> tensor_view<Real> view_of(const window& w, int batch) {
    Real* data = reinterpret_cast<Real*>(w.data) - std::ptrdiff_t(w.left) * w.channels;
    return {data, batch, w.height, w.width, w.channels, w.row_stride, w.image_stride};
}

// One differentiator at work on tensors.
template <class Real> class training_pass {
  public:
    training_pass(const graph& g, weight_store& weights, gradient_store<Real>* gradients, context threads,
                  const training_options& o)
        : run_(g, weights, gradients, std::move(threads), o), graph_(g) {}

    tensor_view<const Real> forward(tensor_view<const Real> x, bool evaluating) {
        load(x);
        run_.forward(evaluating);
        return view_of<const Real>(run_.output(), batch_);
    }
    tensor_view<Real> output_gradient() const { return view_of<Real>(run_.output_gradient(), batch_); }
    tensor_view<const Real> input_gradient() const { return view_of<const Real>(run_.input_gradient(), batch_); }
    tensor_view<const Real> output(int tensor) const { return view_of<const Real>(run_.output(tensor), batch_); }
    tensor_view<Real> output_gradient(int tensor) const { return view_of<Real>(run_.output_gradient(tensor), batch_); }
    void backward() { run_.backward(); }
    std::size_t bytes() const { return run_.bytes(); }
    void between_operations(std::function<void()> f) { run_.between_operations(std::move(f)); }

    // The first operation whose result is not finite; -1: none.
    int first_not_finite(tensor_view<const Real> x) {
        int found = -1;
        load(x);
        run_.forward(true, [&](const operation& o, const window& y) {
            const auto v = view_of<const Real>(y, batch_);
            for (int n = 0; n < batch_; ++n)
                for (int h = 0; h < v.height(); ++h)
                    for (int i = 0; i < v.width() * v.channels(); ++i)
                        if (!std::isfinite(v.at(n, h, 0)[i])) {
                            found = int(&o - graph_.operations.data());
                            return false;
                        }
            return true;
        });
        return found;
    }

  private:
    void load(tensor_view<const Real> x) {
        check_input(graph_, x);
        const int channels = graph_.tensors.front().channels;
        batch_ = x.batch();
        run_.prepare({x.height(), x.width()}, batch_);
        const auto to = view_of<Real>(run_.input(), batch_);
        for (int n = 0; n < batch_; ++n)
            for (int h = 0; h < x.height(); ++h)
                std::copy_n(x.at(n, h, 0), std::ptrdiff_t(x.width()) * channels, to.at(n, h, 0));
    }

    differentiator<Real> run_;
    const graph& graph_;
    int batch_ = 0;
};

} // namespace detail

template <class Real> class basic_trainable;

struct frozen_options {
    bool batch_statistics = true;
    bool input_gradient = true; // false: values only
    std::vector<int> outputs{}; // tensors besides the last that are read (result_of() finds them by the layer's name)
};

// A network as a loss sees it: gradients pass through, its weights get none, and there is no way to give them any. It
// reads the weights of the network that it was made of, which outlives it.
template <class Real> class basic_frozen {
  public:
    tensor_view<const Real> forward(tensor_view<const Real> x) {
        owner_->refresh();
        if (!engine_) return pass_.forward(x, true);
        engine_->load(x), engine_->forward(true);
        return engine_->output();
    }
    tensor_view<Real> output_gradient() const { return engine_ ? engine_->output_gradient() : pass_.output_gradient(); }
    // Of one of options.outputs: value and gradient, which is zero after forward() and may be added to.
    tensor_view<const Real> output(int tensor) const {
        return engine_ ? engine_->output(tensor) : pass_.output(tensor);
    }
    tensor_view<Real> output_gradient(int tensor) const {
        return engine_ ? engine_->output_gradient(tensor) : pass_.output_gradient(tensor);
    }
    tensor_view<const Real> backward() { // the gradient of the input
        if (!engine_) return pass_.backward(), pass_.input_gradient();
        engine_->backward();
        return engine_->input_gradient();
    }
    std::size_t bytes() const { return engine_ ? engine_->bytes() : pass_.bytes(); } // of activations and gradients
    void between_operations(std::function<void()> f) { pass_.between_operations(std::move(f)); } // as of trainable
    // What runs it, with the weights of the host; null where threads do.
    basic_network_engine<Real>* engine() {
        if (engine_) owner_->refresh();
        return engine_.get();
    }

  private:
    friend class basic_trainable<Real>;
    basic_frozen(basic_trainable<Real>& owner, const frozen_options& o)
        : owner_(&owner), pass_(*owner.graph_, *owner.weights_, nullptr, owner.context_, training_options_of(o)) {
        if (owner.engine_) engine_ = owner.engine_->frozen(training_options_of(o));
    }
    static training_options training_options_of(const frozen_options& o) {
        return {.input_gradient = o.input_gradient,
                .weight_gradients = false,
                .batch_statistics = o.batch_statistics,
                .outputs = o.outputs};
    }
    basic_trainable<Real>* owner_;
    detail::training_pass<Real> pass_;
    std::unique_ptr<basic_network_engine<Real>> engine_;
};

// What `trainable` is once the network's type is no longer needed. Used by one thread at a time.
template <class Real> class basic_trainable {
  public:
    // make: of the backend that the graph was traced for; null where that runs on threads.
    basic_trainable(graph g, const trainable_options& o, training_engine_maker<Real> make = nullptr)
        : graph_(std::make_unique<graph>(std::move(g))),
          weights_(std::make_unique<weight_store>(*graph_, sizeof(Real))),
          gradients_(std::make_unique<gradient_store<Real>>(*graph_)),
          context_(o.threads ? *o.threads : context()),
          pass_(*graph_, *weights_, gradients_.get(), context_, training_options_of(o, make != nullptr)) {
        if (o.precision == precision_kind::int8 || (!make && o.precision == precision_kind::tensor_float32))
            fail("precision ", name_of(o.precision), ": expected float32, bf16 or fp16 for training");
        if (make) engine_ = make_engine(o, make);
        initialise(o);
        for (std::size_t i = 0; i < graph_->weights.size(); ++i) {
            const weight& w = graph_->weights[i];
            if (w.kind == weight_kind::derived) continue;
            const bool trained = w.kind == weight_kind::parameter;
            (trained ? parameters_ : buffers_)
                .push_back({graph_->name(w), w.dims, w.rank, at(int(i)), trained ? (*gradients_)[int(i)] : nullptr});
        }
    }

    // Values of x (N,H,W,C); the result is valid until the next call. `evaluating`: running estimates stay as they are.
    tensor_view<const Real> forward(tensor_view<const Real> x, bool evaluating = false) {
        const context::usage mine(context_);
        refresh();
        if (!engine_) return pass_.forward(x, evaluating);
        engine_->load(x), engine_->forward(evaluating);
        return engine_->output();
    }
    tensor_view<Real> output_gradient() const { // to be filled after forward()
        return engine_ ? engine_->output_gradient() : pass_.output_gradient();
    }
    void backward() {
        const context::usage mine(context_);
        engine_ ? engine_->backward() : pass_.backward();
    }
    tensor_view<const Real> input_gradient() const {
        return engine_ ? engine_->input_gradient() : pass_.input_gradient();
    }

    // With an engine they are copies, as they are when this is called.
    std::vector<basic_parameter<Real>>& parameters() {
        download();
        return parameters_;
    }
    std::vector<basic_parameter<Real>>& buffers() {
        download();
        return buffers_;
    }
    // f() is called on the caller's thread between the operations of a pass, where threads run it. It may throw: then
    // the pass is given up, and clear_gradients() is due.
    void between_operations(std::function<void()> f) { pass_.between_operations(std::move(f)); }
    void clear_gradients() { engine_ ? engine_->clear_gradients() : gradients_->clear(context_); }
    // What runs the network, with the weights of the host; null where threads do.
    basic_training_engine<Real>* engine() {
        if (engine_) refresh();
        return engine_.get();
    }
    void weights_changed() { stale_ = true; } // to be called after values of parameters() were written

    // The name of the first layer whose result for x is not finite, else nothing.
    std::string first_not_finite(tensor_view<const Real> x) {
        refresh();
        const int i = engine_ ? engine_->first_not_finite(x) : pass_.first_not_finite(x);
        if (i < 0) return {};
        const operation& o = graph_->operations[std::size_t(i)];
        const int w = o.d.w[0];
        if (w >= 0) return without_dot(graph_->scope_name(graph_->weights[std::size_t(w)].scope));
        for (auto& made : graph_->outputs)
            if (made.tensor == o.y && !graph_->scope_name(made.scope).empty())
                return without_dot(graph_->scope_name(made.scope));
        return text_of("number ", i);
    }

    // The weights of a file, by name. Throws one error that names every tensor that differs.
    void load(const tensor_file& file) requires std::same_as<Real, float> {
        load_weights(*graph_, *weights_, file);
        stale_ = true;
    }

    basic_frozen<Real> frozen(const frozen_options& o = {}) { return {*this, o}; }
    const graph& traced() const { return *graph_; }
    context& threads() const { return context_; }
    std::size_t bytes() const { // of activations and gradients in the last step
        return engine_ ? engine_->bytes() : pass_.bytes();
    }

  private:
    friend class basic_frozen<Real>;

    Real* at(int weight) const { return reinterpret_cast<Real*>((*weights_)[weight]); }

    static std::string without_dot(std::string name) {
        if (name.ends_with('.')) name.pop_back();
        return name;
    }

    // An engine has formats of tensors instead of a storage.
    static training_options training_options_of(const trainable_options& o, bool on_engine) {
        return {.input_gradient = o.input_gradient,
                .batch_statistics = o.batch_statistics,
                .storage = on_engine ? number_format::float32 : stored_format(o.precision)};
    }
    std::unique_ptr<basic_training_engine<Real>> make_engine(const trainable_options& o,
                                                             training_engine_maker<Real> make) {
        graph_->precision = o.precision;
        if (stored_format(o.precision) != number_format::float32) store_in(*graph_, o.precision);
        if constexpr (std::same_as<Real, float>)
            if (o.beside) return o.beside->beside(*graph_, *weights_, *gradients_, training_options_of(o, true));
        return make(*graph_, *weights_, *gradients_, training_options_of(o, true));
    }
    void download() {
        if (engine_ && !stale_) engine_->download();
    }
    void refresh() {
        if (stale_) engine_ ? engine_->upload_weights() : weights_->refresh(*graph_, context_, sizeof(Real));
        stale_ = false;
    }

    // Each weight has a random stream of its own, so that networks that share layers may begin alike.
    void initialise(const trainable_options& o) {
        for (int i = int(graph_->weights.size()); i-- > 0;) { // norms come before what they are the norms of
            const weight& w = graph_->weights[std::size_t(i)];
            if (w.kind == weight_kind::derived) continue;
            const std::size_t n = count(w.dims);
            if (w.start.how == initial::kind::normal) {
                random_stream random(o.seed, std::uint64_t(i));
                const double deviation = o.gain * w.start.gain * std::sqrt(2 / w.start.value);
                for (std::size_t k = 0; k < n; ++k) at(i)[k] = Real(deviation * double(random.normal()));
            } else if (w.start.how == initial::kind::norms_of_next) {
                const std::size_t each = count(graph_->weights[std::size_t(i) + 1].dims) / n;
                for (std::size_t k = 0; k < n; ++k) {
                    double square = 0;
                    for (std::size_t j = 0; j < each; ++j)
                        square += double(at(i + 1)[k * each + j]) * double(at(i + 1)[k * each + j]);
                    at(i)[k] = Real(std::sqrt(square));
                }
            } else
                std::fill_n(at(i), n, Real(w.start.value));
        }
    }

    std::unique_ptr<graph> graph_; // addresses stay when this moves
    std::unique_ptr<weight_store> weights_;
    std::unique_ptr<gradient_store<Real>> gradients_;
    mutable context context_;
    detail::training_pass<Real> pass_;
    std::unique_ptr<basic_training_engine<Real>> engine_;
    std::vector<basic_parameter<Real>> parameters_, buffers_;
    bool stale_ = true; // the weights of the host are newer than what is run
};

template <class Network, class Backend> class trainable : public basic_trainable<typename Backend::storage> {
  public:
    explicit trainable(const trainable_options& o = {})
        : basic_trainable<typename Backend::storage>(
              detail::trace_network<Network, Backend, training>(o.depth, o.convolution), o,
              detail::training_engine_maker_of<Backend>()) {}
};

} // namespace fovea
