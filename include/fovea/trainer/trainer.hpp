// A network, its optimizer, and what one step is: gradients of some micro-batches added up, clipped, looked at, and
// then a step of the optimizer and of the moving average.
//
//   trainer fit(net, adam{}, {.rate = {.base = 1e-3}, .ema_decay = 0.999});
//   for (;;) fit.step(batch.input.view(), batch.target.view(), l1_loss{});
//
// A step whose loss or gradients are not finite is not taken: weights, optimizer and average stay as they were. It is
// counted, and the first layer that gave a value which is not finite is named. After `most_bad_steps` of them in a row
// the run goes back to the last state that was kept (keep_state) with a lower learning rate; after `most_returns` to
// the same state the run is given up with an error, as nothing will change.
//
// With a training_group the processes take each step together, as one process would with the whole batch: each is given
// an equal share of it, and after the step all have the same weights, bit for bit. Every process makes the same calls.
// Running estimates become the mean of the processes', as each has normalised its own share.
#pragma once
#include <bit>
#include <cstdint>
#include <functional>
#include <optional>
#include <sstream>
#include <string>

#include "fovea/distributed/shared_file.hpp"
#include "fovea/io/weights/tensor_file.hpp"
#include "fovea/loss/loss_function.hpp"
#include "fovea/model/trainable.hpp"
#include "fovea/optimizer/any_optimizer.hpp"
#include "fovea/optimizer/learning_rate.hpp"
#include "fovea/optimizer/loss_scaler.hpp"
#include "fovea/optimizer/moving_average.hpp"

namespace fovea {

struct trainer_options {
    learning_rate rate{};
    double max_gradient_norm = 0; // 0: not clipped
    int accumulation = 1;         // micro-batches of a step
    double ema_decay = 0;         // 0: no moving average
    int most_bad_steps = 5;       // in a row, before the run goes back
    double rate_after_return = 0.5;
    int most_returns = 3; // to one state
};

struct step_report {
    double loss = 0, gradient_norm = 0, learning_rate = 0; // the mean loss of the micro-batches
    bool complete = false;                                 // the last micro-batch of its step
    std::string problem;                                   // of a step that was not taken, or that made the run go back
};

using batch_on_host = std::function<tensor_view<const float>()>;

class trainer {
  public:
    // Network and group outlive it. The weights of the group's first process become those of all.
    trainer(basic_trainable<float>& net, any_optimizer o, const trainer_options& options,
            training_group* group = nullptr)
        : net_(net), group_(group), optimizer_(std::move(o)) {
        optimizer_.prepare(net.parameters());
        set_options(options);
        begin_step();
        if (!group_) return;
        if (training_engine* const engine = net_.engine()) engine->join(*group_);
        share_state();
    }

    const trainer_options& options() const { return options_; }
    // Between two steps. A moving average of another decay begins with the weights as they are.
    void set_options(const trainer_options& o) {
        if (o.accumulation < 1) fail("gradient accumulation over ", o.accumulation, " steps: expected 1 or more");
        fetch_state();
        device_state_ = kept_on::host;
        if (o.ema_decay != options_.ema_decay) average_ = moving_average(o.ema_decay);
        options_ = o, expected_ = o.accumulation;
        if (averages()) average_.prepare(net_.parameters());
        keep_state();
    }

    // Between two steps: the next one has so many micro-batches, as where an epoch ends before options().accumulation.
    void expect(int micro_batches) {
        if (micro_batches < 1 || !between_steps())
            fail("a step of ", micro_batches, " micro-batches, after ", micro_,
                 " of them: expected 1 or more, and before the first");
        expected_ = micro_batches;
    }
    int micro_batches() const { return expected_; } // of the step at hand, or the next
    // Of the step's loss that of a micro-batch in this process is.
    double share() const { return 1. / (double(expected_) * processes()); }
    bool is_last() const { return micro_ + 1 == expected_; } // the micro-batch at hand, of its step
    training_group* group() const { return group_; }         // null: there is one process

    // One micro-batch. meanwhile() is called while a GPU is at work on the step; it may stage() the next batch.
    step_report step(tensor_view<const float> input, tensor_view<const float> target, const loss_function& loss,
                     const std::function<void()>& meanwhile = {}) {
        if (!loss.terms().empty())
            if (training_engine* const engine = net_.engine()) {
                load(input, target);
                engine->learn(loss.terms(), share(), is_last());
                // the report of the step has the loss
                return after_backward(
                    0, [&] { return input; }, meanwhile);
            }
        const auto y = net_.forward(input);
        return finish(loss(y, target, net_.output_gradient(), share()), input);
    }

    // The batch of the next step, in memory that stays as it is until then: on a GPU it is copied there beside the work
    // on this step. To be called by meanwhile().
    void stage(tensor_view<const float> input, tensor_view<const float> target) {
        if (training_engine* const engine = net_.engine()) engine->stage(input, target);
        staged_input_ = input.data(), staged_target_ = target.data();
    }
    // Of a network on a GPU: the batch, unless it was staged.
    void load(tensor_view<const float> input, tensor_view<const float> target) {
        training_engine& engine = *net_.engine();
        if (engine.take_staged() && staged_input_ == input.data() && staged_target_ == target.data()) return;
        engine.load(input), engine.load_target(target);
    }

    // The rest of a micro-batch whose forward pass was net.forward(input), and whose gradient lies in
    // net.output_gradient(), times share().
    step_report finish(double loss, tensor_view<const float> input) {
        if (std::isfinite(loss)) net_.backward();
        return after_backward(loss, input);
    }
    // The same after net.backward() was called, maybe more than once.
    step_report after_backward(double loss, tensor_view<const float> input) {
        return after_backward(loss, [&] { return input; });
    }
    // With an engine the loss may be what it has not reported yet, and the input what only a problem asks for.
    step_report after_backward(double loss, const batch_on_host& input, const std::function<void()>& meanwhile = {}) {
        step_report r;
        loss_ += loss / expected_;
        r.complete = ++micro_ == expected_;
        if (!std::isfinite(loss) && problem_.empty()) problem_ = describe("loss", input);
        if (!r.complete) return r;
        agree();
        r.loss = loss_, r.learning_rate = options_.rate.at(optimizer_.steps()) * rate_factor();
        norms_.clear();
        if (training_engine* const engine = net_.engine())
            take_on(*engine, r, input, meanwhile);
        else
            take(r, input);
        if (!problem_.empty()) r.problem = refuse();
        begin_step();
        return r;
    }

    std::int64_t steps() { return optimizer_.steps(); } // that were taken
    std::int64_t bad_steps() const { return bad_steps_; }
    bool between_steps() const { return micro_ == 0; }
    // Gives up the micro-batches of the step at hand, as where an exception has left it: all is as it was before the
    // first of them.
    void give_up_step() {
        if (!net_.engine()) restore_buffers();
        begin_step();
    }
    basic_trainable<float>& network() { return net_; }
    // Of each of network().parameters() in the last step, before clipping; none before the first, and where the loss
    // was not finite.
    const std::vector<double>& gradient_norms() const { return norms_; }

    // The weights to use: the averages where there are any. Twice leaves both as they were.
    void exchange_average() {
        if (!averages()) return;
        fetch_state();
        device_state_ = kept_on::host;
        average_.exchange(net_.parameters()), net_.weights_changed();
    }

    // Everything that a step depends on, between two steps. Weights have their own names, so that a checkpoint is a
    // weight file, too; other tensors begin with "<prefix>optimizer/" and "<prefix>average/".
    void save(tensor_file& file, const std::string& prefix = "") {
        fetch_state();
        const auto add = [&](const std::string& name, std::span<const float> v, std::vector<std::int64_t> shape) {
            file.add(tensor_of(prefix + name, std::move(shape), v));
        };
        const auto& parameters = net_.parameters();
        for (auto* all : {&net_.parameters(), &net_.buffers()})
            for (auto& p : *all) add(p.name, p.values(), shape_of(p));
        optimizer_.each_state([&](const std::string& kind, std::vector<std::vector<float>>& of) {
            for (std::size_t k = 0; k < of.size(); ++k)
                add("optimizer/" + kind + '/' + parameters[k].name, of[k], {std::int64_t(of[k].size())});
        });
        if (averages())
            for (std::size_t k = 0; k < parameters.size(); ++k)
                add("average/" + parameters[k].name, average_.numbers()[k], shape_of(parameters[k]));
        file.metadata[prefix + "trainer.optimizer"] = std::string(optimizer_.name());
        file.metadata[prefix + "trainer.steps"] = std::to_string(optimizer_.steps());
        file.metadata[prefix + "trainer.average_steps"] = std::to_string(average_.steps());
        file.metadata[prefix + "trainer.bad_steps"] = std::to_string(bad_steps_);
        file.metadata[prefix + "trainer.bad_in_a_row"] = std::to_string(bad_in_a_row_);
        file.metadata[prefix + "trainer.returns"] = std::to_string(returns_);
        if (net_.engine() && net_.engine()->gradients_may_vanish())
            file.metadata[prefix + "trainer.loss_scale"] =
                text_of(std::int64_t(scaler_.scale), ' ', scaler_.good, ' ', scaler_.bad);
    }
    // Throws one line when the file does not hold such a state; nothing is changed then.
    void load(const tensor_file& file, const std::string& prefix = "") {
        if (number(file, prefix + "trainer.optimizer") != optimizer_.name())
            fail(file.source, ": holds the state of the optimizer ", number(file, prefix + "trainer.optimizer"),
                 ": expected ", optimizer_.name());
        std::vector<std::pair<std::span<float>, const stored_tensor*>> found;
        const auto find = [&](const std::string& name, std::span<float> to) {
            const stored_tensor& t = file.at(prefix + name);
            if (std::size_t(t.size()) != to.size() || t.type != dtype::f32)
                fail(file.source, ": tensor ", t.name, ' ', text_of_shape(t.shape), ": expected ", to.size(),
                     " numbers of type F32");
            found.emplace_back(to, &t);
        };
        const auto& parameters = net_.parameters();
        for (auto* all : {&net_.parameters(), &net_.buffers()})
            for (auto& p : *all) find(p.name, p.values());
        optimizer_.each_state([&](const std::string& kind, std::vector<std::vector<float>>& of) {
            for (std::size_t k = 0; k < of.size(); ++k) find("optimizer/" + kind + '/' + parameters[k].name, of[k]);
        });
        if (averages())
            for (std::size_t k = 0; k < parameters.size(); ++k)
                find("average/" + parameters[k].name, average_.numbers()[k]);
        const std::int64_t steps = std::stoll(number(file, prefix + "trainer.steps")),
                           average_steps = std::stoll(number(file, prefix + "trainer.average_steps")),
                           bad = std::stoll(number(file, prefix + "trainer.bad_steps"));
        const int in_a_row = std::stoi(number(file, prefix + "trainer.bad_in_a_row")),
                  returns = std::stoi(number(file, prefix + "trainer.returns"));
        device_state_ = kept_on::host;
        for (auto& [to, t] : found) std::ranges::copy(to_floats(*t), to.begin());
        optimizer_.steps() = steps, average_.steps() = average_steps, bad_steps_ = bad, bad_in_a_row_ = in_a_row;
        returns_ = returns;
        if (const auto scale = file.metadata.find(prefix + "trainer.loss_scale"); scale != file.metadata.end())
            std::istringstream(scale->second) >> scaler_.scale >> scaler_.good >> scaler_.bad;
        net_.weights_changed();
        begin_step();
        keep_state();
    }

    // The state of the group's first process becomes that of all: after weights were loaded, between two steps.
    void share_state() {
        if (!group_) return;
        load(shared_file(group_, [this] {
            tensor_file mine;
            save(mine);
            return mine;
        }));
    }

    // Throws where the weights are not the same bits in all processes, as where processors of two kinds round
    // otherwise.
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

    // The state to go back to; called where the run is known to be well, as after an evaluation.
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
    double rate_factor() const { return std::pow(options_.rate_after_return, returns_); }
    bool averages() const { return options_.ema_decay > 0; }
    int processes() const { return group_ ? group_->size() : 1; }

    static std::vector<std::int64_t> shape_of(const parameter& p) {
        return {p.dims.begin(), p.dims.begin() + std::max(p.rank, 1)};
    }
    static const std::string& number(const tensor_file& file, const std::string& name) {
        const auto found = file.metadata.find(name);
        if (found == file.metadata.end()) fail(file.source, ": is no checkpoint of a training run: has no ", name);
        return found->second;
    }

    std::string describe(const char* what, const batch_on_host& input) {
        const std::string layer = net_.first_not_finite(input());
        return text_of("the ", what, " is not finite",
                       layer.empty() ? ", though the values of all layers are" : ", first in layer " + layer);
    }

    void begin_step() {
        micro_ = 0, expected_ = options_.accumulation, loss_ = 0, problem_.clear();
        if (training_engine* const engine = net_.engine()) {
            if (engine->gradients_may_vanish()) engine->scale_loss(scaler_.scale);
            return engine->begin_step();
        }
        net_.clear_gradients();
        buffers_.clear();
        for (auto& b : net_.buffers()) buffers_.insert(buffers_.end(), b.value, b.value + b.size());
    }

    // The loss of the whole batch, and whether any process has a problem.
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
    // Gradients become their sums over the processes, running estimates their means.
    void sum_gradients() {
        if (!group_) return;
        std::vector<std::span<float>> all;
        for (auto& p : net_.parameters()) all.push_back(p.gradients());
        for (auto& b : net_.buffers()) all.push_back(b.values());
        summed_.clear();
        for (auto& v : all) summed_.insert(summed_.end(), v.begin(), v.end());
        group_->sum(std::span(summed_));
        const float* from = summed_.data();
        for (auto& v : all) std::copy_n(from, v.size(), v.data()), from += v.size();
        for (auto& b : net_.buffers())
            for (float& v : b.values()) v /= float(processes());
    }

    // A step, unless there is a problem.
    void take(step_report& r, const batch_on_host& input) {
        context* const threads = &net_.threads();
        if (problem_.empty()) sum_gradients();
        r.gradient_norm = problem_.empty() ? gradient_norm(net_.parameters(), norms_, threads) : std::nan("");
        if (problem_.empty() && !std::isfinite(r.gradient_norm)) problem_ = describe("gradient", input);
        if (!problem_.empty()) return;
        if (options_.max_gradient_norm > 0)
            clip_gradients(net_.parameters(), r.gradient_norm, options_.max_gradient_norm, threads);
        optimizer_.step(net_.parameters(), r.learning_rate, threads);
        if (averages()) average_.update(net_.parameters(), threads);
        net_.weights_changed();
        bad_in_a_row_ = 0;
    }
    // The same where the weights are. What a step on the device depends on is known before it begins, and read after.
    void take_on(training_engine& engine, step_report& r, const batch_on_host& input,
                 const std::function<void()>& meanwhile) {
        if (!problem_.empty()) {
            r.gradient_norm = std::nan("");
            return engine.take_back();
        }
        if (device_state_ == kept_on::host) engine.upload_state(remembered(), averages_of_state());
        device_state_ = kept_on::device;
        engine.begin_update({.how = optimizer_.options(),
                             .step = optimizer_.steps() + 1,
                             .learning_rate = r.learning_rate,
                             .max_gradient_norm = options_.max_gradient_norm,
                             .average_share = averages() ? average_.share() : 0});
        if (meanwhile) meanwhile();
        update_report u = engine.end_update();
        r.loss += u.loss, r.gradient_norm = u.gradient_norm, norms_ = std::move(u.norms);
        if (engine.gradients_may_vanish() && std::isfinite(r.loss)) {
            const double scale = scaler_.scale;
            if (!scaler_.update(u.taken) && scale > scaler_.least) { // what is scaled less may fit
                r.problem = text_of("gradients are larger than fp16 holds: step skipped, the loss times ",
                                    scaler_.scale, " from here on");
                return;
            }
        }
        if (!u.taken) {
            problem_ = describe(std::isfinite(r.loss) ? "gradient" : "loss", input);
            return;
        }
        ++optimizer_.steps(), average_.steps() += averages();
        bad_in_a_row_ = 0;
    }

    void restore_buffers() { // forward passes have updated running estimates
        const float* before = buffers_.data();
        for (auto& b : net_.buffers()) {
            std::copy_n(before, b.size(), b.value);
            before += b.size();
        }
    }

    state_vectors remembered() {
        state_vectors all;
        optimizer_.each_state([&](const std::string&, std::vector<std::vector<float>>& of) { all.push_back(&of); });
        return all;
    }
    std::vector<std::vector<float>>* averages_of_state() { return averages() ? &average_.numbers() : nullptr; }
    // What an engine has changed, to the host.
    void fetch_state() {
        if (device_state_ == kept_on::device) net_.engine()->download_state(remembered(), averages_of_state());
        if (device_state_ == kept_on::device) device_state_ = kept_on::both;
    }

    std::string refuse() {
        ++bad_steps_;
        if (!net_.engine()) restore_buffers();
        std::string told = problem_ + ": step skipped";
        if (++bad_in_a_row_ < options_.most_bad_steps) return told;
        const int returns = returns_ + 1, to_kept = returns_to_kept_ + 1;
        const std::int64_t bad = bad_steps_;
        const tensor_file kept = *kept_;
        load(kept);
        if (to_kept > options_.most_returns)
            fail(told, "; ", options_.most_returns, " returns to step ", optimizer_.steps(),
                 " have not helped: expected a lower learning rate, or other images");
        returns_ = returns, returns_to_kept_ = to_kept, bad_steps_ = bad, bad_in_a_row_ = 0;
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
    double loss_ = 0;
    int micro_ = 0, expected_ = 1, bad_in_a_row_ = 0;
    int returns_ = 0, returns_to_kept_ = 0; // all of the run, and those to the state that is kept now
    std::int64_t bad_steps_ = 0;
    std::string problem_;
    loss_scaler scaler_{}; // where gradients may vanish
    const float *staged_input_ = nullptr, *staged_target_ = nullptr;
    std::vector<float> buffers_; // as they were before this step
    std::vector<float> summed_;  // gradients and running estimates of all processes
    std::vector<double> norms_;
    enum class kept_on { host, both, device } device_state_ = kept_on::host; // where optimizer and averages are newest
};

} // namespace fovea
