// The interface of what runs and trains a network: the threads of a context (engine/host_training_engine.hpp), or a GPU
// (engine/cuda/training_engine.hpp), where weights, gradients and the optimizer's state stay from step to step.
// trainable and trainer run on it and know no other way. A backend that has an engine of its own says so by
//
//   std::unique_ptr<training_engine> make_training_engine(Backend, const graph&, weight_store&,
//                                                         gradient_store<float>&, const training_options&)
//
// Graph, weights and gradients outlive the engine; they are the host's copies, which download() brings up to date.
#pragma once
#include <cmath>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "fovea/distributed/training_group.hpp"
#include "fovea/engine/gradient_store.hpp"
#include "fovea/graph/weights.hpp"
#include "fovea/loss/loss_function.hpp"
#include "fovea/loss/weighted_sum.hpp"
#include "fovea/optimizer/any_optimizer.hpp"
#include "fovea/optimizer/moving_average.hpp"
#include "fovea/plan/training_plan.hpp"
#include "fovea/tensor/tensor.hpp"

namespace fovea {

// A network, forward and backward over a batch of images of one size. Used by one thread at a time.
template <class Real> class basic_network_engine {
  public:
    virtual ~basic_network_engine() = default;

    // The batch of the next forward(), (N,H,W,C): from the host's memory, or the tensors of engines with the same
    // memory(), one after another. Throws when the network cannot take it.
    virtual void load(tensor_view<const Real> x) = 0;
    virtual void load(std::span<const tensor_view<const Real>> parts) = 0;
    // evaluating: running estimates stay as they are.
    virtual void forward(bool evaluating) = 0;
    // The values of the last tensor, or of one of training_options::outputs, in the host's memory; valid until the next
    // forward(). output_gradient() is zero after forward(); it is added to, and counts in backward().
    static constexpr int last = -1;
    virtual tensor_view<const Real> output(int tensor = last) = 0;
    virtual tensor_view<Real> output_gradient(int tensor = last) = 0;
    // The last tensor in the engine's memory, valid as output() is.
    virtual tensor_view<const Real> output_in_place() = 0;
    // From output_gradient() to the gradients of the weights, which are added to, and of the input, which is written.
    virtual void backward() = 0;
    virtual tensor_view<const Real> input_gradient() = 0;
    virtual std::size_t bytes() const = 0; // of activations and their gradients in the last step
    // Names the memory of the tensors; never null. Engines with the same memory can read each other's tensors in place.
    virtual const void* memory() const = 0;
    // f() is called on the caller's thread between two operations, where the host computes them. It may throw: the pass
    // is then given up, and clear_gradients() is due.
    virtual void between_operations(std::function<void()>) {}
};
// What losses run: networks in float32.
using network_engine = basic_network_engine<float>;

// A network whose weights get gradients.
template <class Real> class basic_learning_engine : public basic_network_engine<Real> {
  public:
    virtual void weights_changed() = 0; // the host's copies of parameters or buffers were written
    virtual void download() = 0;        // brings the host's copies of weights and gradients up to date
    // Sets all gradients of weights to zero.
    virtual void clear_gradients() = 0;
    // The first operation whose result for x is not finite; -1: there is none.
    virtual int first_not_finite(tensor_view<const Real> x) = 0;
    // The same network with the weights as they are at each pass. It computes no gradients of weights.
    virtual std::unique_ptr<basic_network_engine<Real>> frozen(const training_options&) = 0;
};

// The images of a step, or of a part of one where gradients are accumulated: (N,H,W,C) and (N,H*scale,W*scale,C'), in
// the host's memory, where they stay until the step has ended.
struct micro_batch {
    tensor_view<const float> input{}, target{};
};

// How a step ends.
struct update_request {
    any_optimizer& optimizer;
    moving_average* average = nullptr; // null: there is none
    double learning_rate = 1e-3;
    double max_gradient_norm = 0; // 0: gradients are not clipped
};

// The losses of a batch that are known on the host. own: the mean over the micro-batch in this process; it is not
// finite where one of them is not. of_frozen: the mean over all processes.
struct balanced_losses {
    double own = 0, of_frozen = 0;
};

// A network that learns. A step is begin_step(); for each micro-batch load() and learn(); then begin_update() and
// end_update(), or take_back(). A step that is not taken leaves weights, running estimates and the optimizer's state as
// they were at its beginning.
class training_engine : public basic_learning_engine<float> {
  public:
    using basic_learning_engine<float>::load;
    // The batch of the next forward() or learn(), whose target learn() reads.
    virtual void load(const micro_batch& b) {
        load(b.input);
        batch_ = b;
    }
    // Copies the batch of the next load() while the work on this one goes on, where that is of use.
    virtual void stage(const micro_batch&) {}
    virtual tensor_view<const float> target_in_place() { return batch_.target; } // in the engine's memory

    // Clears gradients, and remembers running estimates, which take_back() restores.
    virtual void begin_step() = 0;
    // forward(), the loss, and backward() with `weight` times its gradient. ends_step: this is the last micro-batch, so
    // that gradients may be summed over the processes while they are computed. Returns the mean loss where the host
    // knows it now (backward() is left out where it is not finite), else nothing: end_update() then reports it.
    virtual std::optional<double> learn(const loss_function& loss, double weight, bool ends_step);
    // After forward(): the sum of the loss of the output and of the loss of a frozen network's output for it, each in
    // proportion to its own value (detached_ratio), and backward(). What end_update() reports is the first of the two.
    virtual std::optional<balanced_losses> learn(const loss_function& loss, network_engine& frozen,
                                                 const loss_function& of_frozen, double weight, bool ends_step);

    // Whether the host is free between begin_update() and end_update().
    virtual bool works_by_itself() const { return false; }

    // Once, before the first step: the steps to come are of all processes of the group, each of which does the same.
    // Gradients are then their sums, running estimates their means.
    virtual void join(training_group& g) { group_ = &g; }
    virtual void begin_update(const update_request&) = 0;
    virtual update_report end_update() = 0; // waits for it
    virtual void take_back() = 0;           // gives up the step at hand

    // Where gradients in fp16 may be too small to be kept, learn() multiplies them by the scale of the loss and
    // begin_update() divides them by it. 1 at first; it may be changed between steps.
    virtual bool gradients_may_vanish() const { return false; }
    virtual void scale_loss(double) {}

    // The optimizer's state and the averages: the host's were written; and brings the host's up to date.
    virtual void state_changed() {}
    virtual void fetch_state(any_optimizer&, moving_average*) {}

    // An engine for another network with the same memory(); null where a new engine has that anyway.
    virtual std::unique_ptr<training_engine> beside(const graph&, weight_store&, gradient_store<float>&,
                                                    const training_options&) {
        return nullptr;
    }

  protected:
    int processes() const { return group_ ? group_->size() : 1; }

    micro_batch batch_{};
    training_group* group_ = nullptr;
};

namespace detail {

// to = a to + b from, over tensors of the same shape.
inline void mix(tensor_view<float> to, double a, tensor_view<const float> from, double b) {
    for (int n = 0; n < to.batch(); ++n)
        for (int h = 0; h < to.height(); ++h) {
            float* const x = to.at(n, h, 0);
            const float* const y = from.at(n, h, 0);
            for (int i = 0; i < to.width() * to.channels(); ++i) x[i] = float(a * double(x[i]) + b * double(y[i]));
        }
}

// Throws when the network cannot take x.
template <class Real> void check_input(const graph& g, tensor_view<const Real> x) {
    const int channels = g.tensors.front().channels;
    if (x.channels() != channels)
        fail("a tensor of ", x.channels(), " channels was given to a network that expects ", channels);
    check_extent(g, {x.height(), x.width()});
}
// The same for tensors that become one batch. Returns how many images they have.
template <class Real> int check_inputs(const graph& g, std::span<const tensor_view<const Real>> parts) {
    int batch = 0;
    for (auto& part : parts) {
        check_input(g, part);
        if (part.height() != parts[0].height() || part.width() != parts[0].width())
            fail("a batch of images of ", parts[0].height(), 'x', parts[0].width(), " and of ", part.height(), 'x',
                 part.width(), ": expected one size");
        batch += part.batch();
    }
    return batch;
}

} // namespace detail

inline std::optional<double> training_engine::learn(const loss_function& loss, double weight, bool) {
    forward(false);
    const double value = loss(output(), batch_.target, output_gradient(), weight);
    if (std::isfinite(value)) backward();
    return value;
}

inline std::optional<balanced_losses> training_engine::learn(const loss_function& loss, network_engine& frozen,
                                                             const loss_function& of_frozen, double weight, bool) {
    const auto y = output();
    const auto dy = output_gradient();
    const double own = loss(y, batch_.target, dy, 1);
    frozen.load(y), frozen.forward(true);
    double means[] = {own, of_frozen(frozen.output(), {}, frozen.output_gradient(), 1)};
    if (group_) {
        group_->sum(std::span(means));
        for (double& mean : means) mean /= processes();
    }
    if (!std::isfinite(means[0] + means[1])) return balanced_losses{means[0] + means[1], means[1]};
    frozen.backward();
    detail::mix(dy, weight * detached_ratio(means[0]), frozen.input_gradient(), weight * detached_ratio(means[1]));
    backward();
    return balanced_losses{own, means[1]};
}

} // namespace fovea
