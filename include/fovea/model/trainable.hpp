// A network that learns. Its passes are forward and backward; the loss between them and the optimizer after them are
// the caller's, or a trainer's.
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
#include "fovea/engine/training_engine_maker.hpp"
#include "fovea/graph/parameter.hpp"
#include "fovea/model/load.hpp"
#include "fovea/model/model.hpp"
#include "fovea/tensor/tensor.hpp"

namespace fovea {

// How a trainable network is made.
struct trainable_options {
    depths depth{};
    std::uint64_t seed = 0;     // seed of the initial weights
    double gain = 1;            // initial convolutions are normal numbers of variance gain^2 * 2 / inputs
    context* threads = nullptr; // the network keeps a copy of it; null: the calling thread only
    bool input_gradient = false;
    bool batch_statistics = true;
    convolution_method convolution = convolution_method::automatic;
    // bfloat16, float16: the format of values that are kept for the backward pass; on a GPU, of all activations and
    // their gradients
    precision_kind precision = precision_kind::float32;
    training_engine* beside = nullptr; // the engine of a network whose memory this one shares, where both are on a GPU
};

template <class Real> class basic_trainable;

// How a network is used inside a loss (basic_trainable::frozen).
struct frozen_options {
    bool batch_statistics = true;
    bool input_gradient = true; // false: only values are computed
    std::vector<int>
        outputs{}; // tensors besides the last one that are read; result_of() finds them by the layer's name
};

// A network as a loss uses it: gradients pass through it, and its weights get none. It reads the weights of the network
// that it was made from, which must outlive it.
template <class Real> class basic_frozen {
  public:
    // x and the result are (N,H,W,C); the result is valid until the next call.
    tensor_view<const Real> forward(tensor_view<const Real> x) {
        engine_->load(x), engine_->forward(true);
        return engine_->output();
    }
    tensor_view<Real> output_gradient() const { return engine_->output_gradient(); }
    // Value and gradient of one of options.outputs. The gradient is zero after forward() and may be added to.
    tensor_view<const Real> output(int tensor) const { return engine_->output(tensor); }
    tensor_view<Real> output_gradient(int tensor) const { return engine_->output_gradient(tensor); }
    tensor_view<const Real> backward() { // returns the gradient of the input
        engine_->backward();
        return engine_->input_gradient();
    }
    std::size_t bytes() const { return engine_->bytes(); } // bytes of activations and gradients
    // As basic_trainable::between_operations.
    void between_operations(std::function<void()> f) { engine_->between_operations(std::move(f)); }
    // What runs the network.
    basic_network_engine<Real>& engine() { return *engine_; }

  private:
    friend class basic_trainable<Real>;
    explicit basic_frozen(std::unique_ptr<basic_network_engine<Real>> engine) : engine_(std::move(engine)) {}

    std::unique_ptr<basic_network_engine<Real>> engine_;
};

// The base of `trainable` that does not depend on the network's type. Used by one thread at a time.
template <class Real> class basic_trainable {
  public:
    // maker: makes the engine of the backend that the graph was traced for.
    basic_trainable(graph g, const trainable_options& o,
                    training_engine_maker<Real> maker = host_training_engine_maker<Real>())
        : graph_(std::make_unique<graph>(std::move(g))),
          weights_(std::make_unique<weight_store>(*graph_, sizeof(Real))),
          gradients_(std::make_unique<gradient_store<Real>>(*graph_)),
          context_(o.threads ? *o.threads : context()) {
        engine_ = maker({*graph_,
                         *weights_,
                         *gradients_,
                         context_,
                         o.precision,
                         o.beside,
                         {.input_gradient = o.input_gradient, .batch_statistics = o.batch_statistics}});
        initialise(o);
        all_ = parameters_of(*graph_, *weights_, gradients_.get());
    }

    // Computes the network for x (N,H,W,C). The result is valid until the next call. evaluating: running estimates stay
    // as they are.
    tensor_view<const Real> forward(tensor_view<const Real> x, bool evaluating = false) {
        const context::usage mine(context_); // for both, so that no other thread loads its batch in between
        engine_->load(x), engine_->forward(evaluating);
        return engine_->output();
    }
    tensor_view<Real> output_gradient() const { return engine_->output_gradient(); } // to be filled after forward()
    void backward() { engine_->backward(); }
    // The gradient of x after backward(), if the options asked for it.
    tensor_view<const Real> input_gradient() const { return engine_->input_gradient(); }

    // Returns names, values and gradients, as they are when this is called. If the network is trained on a GPU they are
    // copies. Call weights_changed() after values were written.
    std::vector<basic_parameter<Real>>& parameters() {
        engine_->download();
        return all_.parameters;
    }
    std::vector<basic_parameter<Real>>& buffers() {
        engine_->download();
        return all_.buffers;
    }
    void weights_changed() { engine_->weights_changed(); }
    // Lets f() be called on the caller's thread between the operations of a pass, unless a GPU runs it. f() may throw;
    // the pass is then given up, and clear_gradients() must be called.
    void between_operations(std::function<void()> f) { engine_->between_operations(std::move(f)); }
    void clear_gradients() { engine_->clear_gradients(); }
    training_engine_for<Real>& engine() { return *engine_; } // what runs the network

    // Returns the name of the first layer whose result for x is not finite; empty: there is none.
    std::string first_not_finite(tensor_view<const Real> x) {
        const int i = engine_->first_not_finite(x);
        if (i < 0) return {};
        const operation& o = graph_->operations[std::size_t(i)];
        const int w = o.d.w[0];
        if (w >= 0) return without_dot(graph_->scope_name(graph_->weights[std::size_t(w)].scope));
        for (auto& made : graph_->outputs)
            if (made.tensor == o.y && !graph_->scope_name(made.scope).empty())
                return without_dot(graph_->scope_name(made.scope));
        return text_of("number ", i);
    }

    // Takes the weights of a file, by name. Throws one error that names every tensor that does not fit.
    void load(const tensor_file& file) requires std::same_as<Real, float> {
        load_weights(*graph_, *weights_, file);
        weights_changed();
    }

    // Returns this network as a loss uses it; it reads the weights of this one, which must outlive it.
    basic_frozen<Real> frozen(const frozen_options& o = {}) {
        return basic_frozen<Real>(engine_->frozen({.input_gradient = o.input_gradient,
                                                   .weight_gradients = false,
                                                   .batch_statistics = o.batch_statistics,
                                                   .outputs = o.outputs}));
    }
    // The graph of the network, and the context that runs it.
    const graph& traced() const { return *graph_; }
    context& threads() const { return context_; }
    std::size_t bytes() const { return engine_->bytes(); } // bytes of activations and gradients in the last step

  private:
    Real* at(int weight) const { return reinterpret_cast<Real*>((*weights_)[weight]); }

    static std::string without_dot(std::string name) {
        if (name.ends_with('.')) name.pop_back();
        return name;
    }

    // Each weight has a random stream of its own, so that networks which share layers can begin alike.
    void initialise(const trainable_options& o) {
        for (int i = int(graph_->weights.size());
             i-- > 0;) { // backwards, because norms precede the weight that they are the norms of
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

    std::unique_ptr<graph> graph_; // on the heap, so that addresses stay when this moves
    std::unique_ptr<weight_store> weights_;
    std::unique_ptr<gradient_store<Real>> gradients_;
    mutable context context_;
    std::unique_ptr<training_engine_for<Real>> engine_;
    network_parameters<Real> all_;
};

template <class Network, class Backend> class trainable : public basic_trainable<typename Backend::storage> {
  public:
    explicit trainable(const trainable_options& o = {})
        : basic_trainable<typename Backend::storage>(
              detail::trace_network<Network, Backend, training>(o.depth, o.convolution), o,
              training_engine_maker_of<Backend>()) {}
};

} // namespace fovea
