// A network, its optimizer, and what one step is: the gradients of some micro-batches are added up and clipped, then
// the optimizer and the moving average take their step.
//
//   trainer fit(net, adam{}, {.rate = {.base = 1e-3}, .ema_decay = 0.999});
//   for (;;) fit.step(batch.input.view(), batch.target.view(), l1_loss{});
//
// A step whose loss or gradients are not finite is not taken: weights, optimizer and average stay as they were. The
// step is counted, and its report names the first layer with a value that is not finite. After `most_bad_steps` such
// steps in a row the run goes back to the last state that was kept (keep_state), with a lower learning rate. After
// `most_returns` returns to the same state an error is thrown, because nothing would change.
//
// With a training_group the processes take each step together, as one process would with the whole batch. Each is given
// an equal share of the batch, and after the step all have the same weights, bit for bit. Every process must make the
// same calls. Running estimates become the mean over the processes, because each has normalised its own share.
#pragma once
#include <bit>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "fovea/distributed/shared_file.hpp"
#include "fovea/loss/loss_function.hpp"
#include "fovea/model/trainable.hpp"
#include "fovea/optimizer/learning_rate.hpp"
#include "fovea/trainer/training_state.hpp"

namespace fovea {

// How a trainer takes its steps.
struct trainer_options {
    learning_rate rate{};
    double max_gradient_norm = 0; // longer gradients are clipped to it; 0: they are not
    int accumulation = 1;         // micro-batches in a step
    double ema_decay = 0;         // decay of the moving average of weights; 0: there is none
    int most_bad_steps = 5;       // steps in a row that are not taken before the run goes back
    double rate_after_return = 0.5;
    int most_returns = 3; // returns to one state before the run is given up
};

// The result of a micro-batch and, if it completes one, of its step.
struct step_report {
    double loss = 0, gradient_norm = 0, learning_rate = 0; // loss: the mean over the micro-batches
    bool complete = false;                                 // this was the last micro-batch of its step
    std::string problem;                                   // why the step was not taken; empty: it was
};

// Returns the input of a micro-batch in host memory. It is called to look for a value that is not finite.
using batch_on_host = std::function<tensor_view<const float>()>;

class trainer {
  public:
    // Network and group must outlive it. The weights of the group's first process become those of all.
    trainer(basic_trainable<float>& net, any_optimizer o, const trainer_options& options,
            training_group* group = nullptr)
        : net_(net), group_(group), optimizer_(std::move(o)) {
        optimizer_.prepare(net.parameters());
        set_options(options);
        begin_step();
        if (!group_) return;
        engine().join(*group_);
        share_state();
    }

    // The options of the last set_options().
    const trainer_options& options() const { return options_; }
    // Changes the options between two steps. A moving average with another decay begins with the weights as they are.
    void set_options(const trainer_options& o) {
        if (o.accumulation < 1) fail("gradient accumulation over ", o.accumulation, " steps: expected 1 or more");
        fetch_state();
        engine().state_changed();
        if (o.ema_decay != options_.ema_decay) average_ = moving_average(o.ema_decay);
        options_ = o, expected_ = o.accumulation;
        if (averages()) average_.prepare(net_.parameters());
        keep_state();
    }

    // Sets the number of micro-batches of the next step, between two steps; for the last step of an epoch it may be
    // less than options().accumulation.
    void expect(int micro_batches) {
        if (micro_batches < 1 || !between_steps())
            fail("a step of ", micro_batches, " micro-batches, after ", micro_,
                 " of them: expected 1 or more, and before the first");
        expected_ = micro_batches;
    }
    int micro_batches() const { return expected_; } // in the step at hand, or in the next one
    // The weight that a micro-batch of this process has in the step's loss.
    double share() const { return 1. / (double(expected_) * processes()); }
    bool is_last() const { return micro_ + 1 == expected_; } // the micro-batch at hand is the last one of its step
    training_group* group() const { return group_; }         // null: there is one process

    // Takes one micro-batch: input (N,H,W,C), target (N,H*scale,W*scale,C'). meanwhile() is called while a GPU works on
    // the step; it may stage() the next batch.
    step_report step(tensor_view<const float> input, tensor_view<const float> target, const loss_function& loss,
                     const std::function<void()>& meanwhile = {}) {
        engine().load({input, target});
        return complete(
            engine().learn(loss, share(), is_last()), [&] { return input; }, meanwhile);
    }

    // To be called by meanwhile(): copies the batch of the next step to a GPU while this step is computed. The memory
    // must stay as it is until then.
    void stage(tensor_view<const float> input, tensor_view<const float> target) { engine().stage({input, target}); }

    // The rest of a micro-batch in a loop of your own, after net.forward(input), with the gradient of the loss times
    // share() in net.output_gradient().
    step_report finish(double loss, tensor_view<const float> input) {
        if (std::isfinite(loss)) net_.backward();
        return complete(loss, [&] { return input; });
    }
    // The same after the backward pass. loss: nothing if the engine reports it at the end of the step.
    step_report complete(std::optional<double> loss, const batch_on_host& input,
                         const std::function<void()>& meanwhile = {}) {
        step_report r;
        loss_ += loss.value_or(0) / expected_;
        r.complete = ++micro_ == expected_;
        if (!std::isfinite(loss.value_or(0)) && problem_.empty()) problem_ = describe("loss", input);
        if (!r.complete) return r;
        agree();
        r.loss = loss_, r.learning_rate = options_.rate.at(optimizer_.steps()) * rate_factor();
        norms_.clear();
        take(r, input, meanwhile);
        if (!problem_.empty()) r.problem = refuse();
        begin_step();
        return r;
    }

    std::int64_t steps() { return optimizer_.steps(); } // steps that were taken
    // Steps of the run that were not taken, and whether the step at hand has no micro-batch yet.
    std::int64_t bad_steps() const { return counts_.bad_steps; }
    bool between_steps() const { return micro_ == 0; }
    // Gives up the micro-batches of the step at hand, for example after an exception. Everything is as it was before
    // the first of them.
    void give_up_step() {
        engine().take_back();
        begin_step();
    }
    basic_trainable<float>& network() { return net_; }
    training_engine& engine() { return net_.engine(); }
    // The gradient norms of network().parameters() in the last step, before clipping. Empty before the first step, and
    // if the loss was not finite.
    const std::vector<double>& gradient_norms() const { return norms_; }

    // Exchanges the weights and their averages, if there are any; a second call undoes it. The averages are the weights
    // to use.
    void exchange_average() {
        if (!averages()) return;
        fetch_state();
        engine().state_changed();
        average_.exchange(net_.parameters()), net_.weights_changed();
    }

    // Adds everything that a step depends on to a file, between two steps (trainer/training_state.hpp).
    void save(tensor_file& file, const std::string& prefix = "") {
        fetch_state();
        state().save(file, prefix, counts_);
    }
    // Takes such a state. Throws one line if the file does not hold one; nothing is changed then.
    void load(const tensor_file& file, const std::string& prefix = "") {
        counts_ = state().load(file, prefix, counts_.scaler);
        engine().state_changed();
        net_.weights_changed();
        begin_step();
        keep_state();
    }

    // Gives all processes the state of the first one. To be called after weights were loaded, between two steps.
    void share_state() {
        if (!group_) return;
        load(shared_file(group_, [this] {
            tensor_file mine;
            save(mine);
            return mine;
        }));
    }

    // Throws if the weights are not the same bits in all processes, as happens if processors of two kinds round
    // differently.
    void check_same_weights() {
        if (!group_) return;
        std::uint32_t mark = 1;
        for (auto* all : {&net_.parameters(), &net_.buffers()})
            for (auto& p : *all)
                for (float v : p.values()) mark = (mark ^ std::bit_cast<std::uint32_t>(v)) * 16777619u;
        if (sum_over(group_, mark) != double(mark) * processes())
            fail("process ", group_->rank(),
                 " has other weights than another one: expected the same program on processors of the same kind");
    }

    // Keeps the state to go back to. To be called where the run is known to be well, such as after an evaluation.
    void keep_state() {
        remember_state();
        returns_to_kept_ = 0;
    }

  private:
    void remember_state() {
        kept_.emplace();
        kept_->source = "the state that was kept";
        save(*kept_);
    }
    detail::training_state state() { return {net_, optimizer_, average_, averages()}; }
    void fetch_state() { engine().fetch_state(optimizer_, averages() ? &average_ : nullptr); }
    double rate_factor() const { return std::pow(options_.rate_after_return, counts_.returns); }
    bool averages() const { return options_.ema_decay > 0; }
    int processes() const { return group_ ? group_->size() : 1; }

    std::string describe(const char* what, const batch_on_host& input) {
        const std::string layer = net_.first_not_finite(input());
        return text_of("the ", what, " is not finite",
                       layer.empty() ? ", though the values of all layers are" : ", first in layer " + layer);
    }

    void begin_step() {
        micro_ = 0, expected_ = options_.accumulation, loss_ = 0, problem_.clear();
        if (engine().gradients_may_vanish()) engine().scale_loss(counts_.scaler.scale);
        engine().begin_step();
    }

    // Makes loss_ the loss of the whole batch, and takes over the problem of any process.
    void agree() {
        if (!group_) return;
        const bool bad = !problem_.empty();
        double all[] = {loss_, bad ? 1. : 0., bad ? double(group_->rank()) : 0.};
        group_->sum(std::span(all));
        loss_ = all[0] / processes();
        if (all[1] == 0 || bad) return;
        problem_ = all[1] == 1 ? text_of("the loss is not finite in process ", int(all[2]))
                               : text_of("the loss is not finite in ", int(all[1]), " processes");
    }

    // Takes the step, unless there is a problem. Whatever the step depends on is known before it begins.
    void take(step_report& r, const batch_on_host& input, const std::function<void()>& meanwhile) {
        if (!problem_.empty()) {
            r.gradient_norm = std::nan("");
            return engine().take_back();
        }
        engine().begin_update(
            {optimizer_, averages() ? &average_ : nullptr, r.learning_rate, options_.max_gradient_norm});
        if (meanwhile && engine().works_by_itself()) meanwhile();
        update_report u = engine().end_update();
        r.loss += u.loss, r.gradient_norm = u.gradient_norm, norms_ = std::move(u.norms);
        if (engine().gradients_may_vanish() && std::isfinite(r.loss)) {
            loss_scaler& scaler = counts_.scaler;
            const double scale = scaler.scale;
            if (!scaler.update(u.taken) && scale > scaler.least) { // scaled by less, the gradients may fit
                r.problem = text_of("gradients are larger than fp16 holds: step skipped, the loss times ", scaler.scale,
                                    " from here on");
                return;
            }
        }
        if (!u.taken)
            problem_ = describe(std::isfinite(r.loss) ? "gradient" : "loss", input);
        else
            counts_.bad_in_a_row = 0;
    }

    std::string refuse() {
        ++counts_.bad_steps;
        std::string told = problem_ + ": step skipped";
        if (++counts_.bad_in_a_row < options_.most_bad_steps) return told;
        const int returns = counts_.returns + 1, to_kept = returns_to_kept_ + 1;
        const std::int64_t bad = counts_.bad_steps;
        const tensor_file kept = *kept_;
        load(kept);
        if (to_kept > options_.most_returns)
            fail(told, "; ", options_.most_returns, " returns to step ", optimizer_.steps(),
                 " have not helped: expected a lower learning rate, or other images");
        counts_.bad_steps = bad, counts_.bad_in_a_row = 0, counts_.returns = returns, returns_to_kept_ = to_kept;
        remember_state();
        return text_of(told, "; after ", options_.most_bad_steps, " in a row back to step ", optimizer_.steps(),
                       ", learning rate times ", rate_factor());
    }

    basic_trainable<float>& net_;
    training_group* group_;
    any_optimizer optimizer_;
    trainer_options options_;
    moving_average average_;
    std::optional<tensor_file> kept_;
    detail::training_counts counts_{};
    int returns_to_kept_ = 0; // returns to the state that is kept now
    // The step at hand.
    double loss_ = 0;
    int micro_ = 0, expected_ = 1;
    std::string problem_;
    std::vector<double> norms_;
};

} // namespace fovea
