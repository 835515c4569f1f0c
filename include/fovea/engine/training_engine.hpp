// What trains a network elsewhere than on the threads of a context: on a GPU, where its weights, their gradients and
// what the optimizer remembers stay from step to step. A backend that has one says so by
//
//   std::unique_ptr<training_engine> make_training_engine(Backend, const graph&, weight_store&,
//                                                         gradient_store<float>&, const training_options&)
//
// Graph, weights and gradients outlive it. Those of the host are copies, brought up to date when somebody asks.
#pragma once
#include <memory>
#include <span>

#include "fovea/engine/differentiate.hpp"
#include "fovea/loss/terms.hpp"
#include "fovea/optimizer/weight_update.hpp"
#include "fovea/tensor/tensor.hpp"

namespace fovea {

class training_group; // distributed/training_group.hpp

// Numbers (N,H,W,C) without gaps in the memory of an engine's device, there until its next batch.
struct device_tensor {
    const float* data = nullptr;
    int batch = 0, height = 0, width = 0, channels = 0;
};

// A network on a device: forward and backward, as of differentiator.
template <class Real> class basic_network_engine {
  public:
    virtual ~basic_network_engine() = default;

    // The batch for the next forward(): from the host, or tensors of engines with the same queue, one after another.
    virtual void load(tensor_view<const Real> x) = 0;
    virtual void load(std::span<const device_tensor> parts) = 0;
    virtual void forward(bool evaluating) = 0;
    // Of the last tensor, or of one of options.outputs: output() copies to the host; the gradient there, zeros at
    // first, counts where somebody has asked for it.
    static constexpr int last = -1;
    virtual tensor_view<const Real> output(int tensor = last) = 0;
    virtual tensor_view<Real> output_gradient(int tensor = last) = 0;
    virtual device_tensor output_on_device() const = 0;
    virtual void backward() = 0;
    virtual tensor_view<const Real> input_gradient() = 0;
    virtual std::size_t bytes() const = 0; // of activations and gradients
    virtual const void* queue() const = 0; // of the device: what is put there runs in order
};
using network_engine = basic_network_engine<float>;

template <class Real> class basic_training_engine : public basic_network_engine<Real> {
  public:
    virtual void upload_weights() = 0; // parameters and buffers, from the host
    virtual void download() = 0;       // those, and gradients, where they have changed since
    virtual void clear_gradients() = 0;
    virtual int first_not_finite(tensor_view<const Real> x) = 0; // the first such operation for x; -1: none

    // A step: begin_step(), for each micro-batch load(), load_target() and one of learn(), then begin_update() and
    // end_update(). A step that is not taken leaves weights, running estimates and what the optimizer remembers as they
    // were at its beginning.
    virtual void begin_step() = 0;
    virtual void load_target(tensor_view<const Real> t) = 0; // after load(); terms that read none need none
    virtual device_tensor target_on_device() const = 0;
    // Forward, the terms' loss, times `weight`, and backward. ends_step: it is the last micro-batch, so that gradients
    // may be summed over the processes while they are computed.
    virtual void learn(const loss_terms&, double weight, bool ends_step) = 0;
    // After forward(): the loss, times `weight`, that is the terms of the output and those of a frozen network's
    // output for it, each in proportion to its own value (detached_ratio), and backward. What end_update() reports is
    // the first of the two.
    virtual void learn(const loss_terms&, network_engine& frozen, const loss_terms& of_frozen, double weight,
                       bool ends_step) = 0;
    // Before the first step: those to come are of all processes of the group, each of which does the same. Loss and
    // gradients are then their sums, the values that divide a loss and running estimates their means.
    virtual void join(training_group&) = 0;
    virtual void begin_update(const weight_update&) = 0;
    virtual update_report end_update() = 0; // waits for it
    virtual void take_back() = 0;           // of a step without an update
    // load() and load_target() of the next batch before end_update(), beside the work on this one; whether that is the
    // batch that was loaded last, asked once.
    virtual void stage(tensor_view<const Real> x, tensor_view<const Real> t) = 0;
    virtual bool take_staged() = 0;
    // In fp16 gradients are too small without loss scaling: learn() then multiplies them by the scale, begin_update()
    // divides them by it. 1 at first; to be changed between steps.
    virtual bool gradients_may_vanish() const = 0;
    virtual void scale_loss(double scale) = 0;

    // What the optimizer remembers, and averages (null: there are none).
    virtual void upload_state(const state_vectors&, std::vector<std::vector<float>>* averages) = 0;
    virtual void download_state(const state_vectors&, std::vector<std::vector<float>>* averages) = 0;

    // Others of the same device and queue: the network with its weights as they are, of which it computes no
    // gradients; and another network.
    virtual std::unique_ptr<basic_network_engine<Real>> frozen(const training_options&) = 0;
    virtual std::unique_ptr<basic_training_engine> beside(const graph&, weight_store&, gradient_store<Real>&,
                                                          const training_options&) = 0;
};
using training_engine = basic_training_engine<float>;

template <class Real>
using training_engine_maker = std::unique_ptr<basic_training_engine<Real>> (*)(const graph&, weight_store&,
                                                                               gradient_store<Real>&,
                                                                               const training_options&);

namespace detail {

template <class Backend>
concept has_training_engine = requires(const graph& g, weight_store& w, gradient_store<float>& gradients,
                                       const training_options& o) {
    make_training_engine(Backend{}, g, w, gradients, o);
};
template <class Backend> constexpr training_engine_maker<typename Backend::storage> training_engine_maker_of() {
    if constexpr (has_training_engine<Backend>)
        return [](const graph& g, weight_store& w, gradient_store<float>& gradients, const training_options& o) {
            return make_training_engine(Backend{}, g, w, gradients, o);
        };
    else
        return nullptr;
}

// Throws when the network cannot take x.
template <class Real> void check_input(const graph& g, tensor_view<const Real> x) {
    const int channels = g.tensors.front().channels;
    if (x.channels() != channels)
        fail("a tensor of ", x.channels(), " channels was given to a network that expects ", channels);
    check_extent(g, {x.height(), x.width()});
}

} // namespace detail

} // namespace fovea
