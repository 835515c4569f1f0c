// Evaluation, saving and resuming in a training_session.
#include <cmath>

#include "common/on_gpu.hpp"
#include "common/stopping.hpp"
#include "common/training_session.hpp"

namespace programs {

using namespace fovea;

namespace {

// Puts the moving averages, if any, in place of the weights while it lives.
struct averages_in_use {
    explicit averages_in_use(trainer& of) : fit(of) { fit.exchange_average(); }
    ~averages_in_use() { fit.exchange_average(); }
    averages_in_use(const averages_in_use&) = delete;
    averages_in_use& operator=(const averages_in_use&) = delete;
    trainer& fit;
};

bool is_finite(const tensor_file& file) {
    return std::ranges::all_of(file.tensors(), [](const stored_tensor& t) { return all_finite(to_floats(t)); });
}

} // namespace

void training_session::begin() {
    if (o_.weights.empty()) return;
    net_.load(shared_file(group_.get(), [&] { return fovea::weights_of(read_tensor_file(weights_at(o_.weights))); }));
}

void training_session::resume() {
    const tensor_file file = shared_file(group_.get(), [&] {
        return files_.latest([](const std::string& what) { std::fprintf(stderr, "warning: %s\n", what.c_str()); });
    });
    check_settings(file, o_.settings());
    fit_.load(file);
    if (hooks_.load) hooks_.load(file);
    const auto number = [&](const char* name) { return std::strtoull(file.metadata.at(name).c_str(), nullptr, 10); };
    start_data({number("data.epoch"), number("data.step")});
    if (file.metadata.contains("best.score")) {
        best_ = std::strtod(file.metadata.at("best.score").c_str(), nullptr);
        best_epoch_ = number("best.epoch");
    }
    last_saved_ = steps();
    // Files of an earlier version lack the entry; they were saved after their evaluation.
    last_evaluated_ = file.metadata.contains("evaluated.step") ? std::int64_t(number("evaluated.step")) : steps();
    if (is_first())
        std::fprintf(stderr, "%s: goes on at epoch %llu, step %lld\n", file.source.c_str(),
                     static_cast<unsigned long long>(position_.epoch), static_cast<long long>(steps()));
}

// Restores the state after the last complete step.
void training_session::give_up_step() {
    fit_.give_up_step();
    if (hooks_.give_up_step) hooks_.give_up_step();
    record_->take();
    position_ = step_begin_;
}

// ---- evaluation

// Returns the weights for evaluation and use: the moving averages, if any.
tensor_file training_session::weights() {
    tensor_file file;
    file.source = "the weights in training";
    zoo::describe_in(file, what_);
    const averages_in_use averages(fit_);
    for (auto* all : {&net_.parameters(), &net_.buffers()})
        for (auto& p : *all) file.add(tensor_of(p.name, {p.dims.begin(), p.dims.begin() + p.rank}, p.values()));
    return file;
}

// Measures on the centres of both images, as large as a training crop, because the critic's activations need much
// memory.
double training_session::accuracy_on(const image& original, const image& made) const {
    const int height = std::min(original.height(), o_.target_resolution),
              width = std::min(original.width(), o_.target_resolution);
    const int top = (original.height() - height) / 2, left = (original.width() - width) / 2;
    tensor<float> parts[2];
    for (int k = 0; k < 2; ++k) {
        parts[k] = tensor<float>(1, height, width, 3);
        const image& from = k == 0 ? original : made;
        for (int y = 0; y < height; ++y)
            fovea::detail::load_row(from.row<std::uint8_t>(top + y).data(), 3, {what_.range, what_.colours},
                                    {left, left + width}, parts[k].at(0, y, 0));
    }
    return hooks_.accuracy(parts[0].view(), parts[1].view());
}

scores training_session::measure() {
    scores all;
    const show_function show = [this](const std::string& name, const image& picture) {
        log_.add(name, steps(), picture);
    };
    if (tests_) {
        test_images::accuracy_function accuracy;
        if (hooks_.accuracy)
            accuracy = [this](const image& original, const image& made) { return accuracy_on(original, made); };
        all = tests_->measure(*upscaler_of(weights()), accuracy, log_ ? show : nullptr);
    }
    if (validation_) {
        const averages_in_use averages(fit_);
        all.merge(validation_->measure([this](image_batch x) { return net_.forward(x, true); }, hooks_.accuracy,
                                       log_ ? show : nullptr));
    }
    return all;
}

// Evaluates if it is due. The state is saved before, because an evaluation may take long and may fail, and after, with
// its results.
void training_session::evaluate(bool last) {
    const std::uint64_t epoch = position_.epoch; // epochs that are complete
    if (!evaluates_ || last_evaluated_ == steps() || (!last && epoch % std::uint64_t(o_.eval_interval) != 0)) return;
    save();
    bool done = true;
    if (is_first()) try {
            const scores s = measure();
            const double score = validation_ ? -s.at("validation loss") : s.at("psnr");
            const bool better = hooks_.keeps_best && std::isfinite(score) && (!best_ || score > *best_);
            std::fprintf(stderr, "epoch %llu, step %lld: %s%s\n", static_cast<unsigned long long>(epoch),
                         static_cast<long long>(steps()), text_of_scores(s).c_str(), better ? ", the best so far" : "");
            for (auto& [name, value] : s) log_.add("evaluation/" + name, steps(), value);
            if (better) {
                files_.save_best(weights());
                best_ = score, best_epoch_ = epoch;
            }
        } catch (const stop_request&) {
            done = false; // a resumed run begins with the evaluation
        } catch (const std::exception& e) {
            std::fprintf(stderr, "warning: %s: step %lld is not evaluated, training goes on\n", e.what(),
                         static_cast<long long>(steps()));
        }
    share_best();
    if (sum_over(group_.get(), done) < o_.place.size) return;
    last_evaluated_ = steps(), last_saved_ = -1;
    save();
}

// Shares the results of the evaluation that process 0 does while the others wait.
void training_session::share_best() {
    if (!group_) return;
    group_->wait_for_all();
    double found[] = {best_ ? 1. : 0., best_.value_or(0), double(best_epoch_)};
    group_->broadcast(std::as_writable_bytes(std::span(found)));
    if (found[0] > 0) best_ = found[1], best_epoch_ = std::uint64_t(found[2]);
}

// ---- checkpoints

void training_session::save() {
    if (last_saved_ == steps()) return;
    fit_.check_same_weights();
    saving_ = true;
    write_checkpoint();
    saving_ = false;
    last_saved_ = steps();
}

// Does not save weights that are not finite, so that the last good state is kept.
void training_session::write_checkpoint() {
    tensor_file file;
    file.source = files_.of_step(steps()).string();
    fit_.save(file);
    if (hooks_.save) hooks_.save(file);
    if (!is_finite(file)) {
        const std::string what = text_of("step ", steps(), ": the weights are not finite: no checkpoint is written");
        if (!more()) fail(what, ": expected a lower --learning-rate");
        if (is_first()) std::fprintf(stderr, "warning: %s\n", what.c_str());
        return;
    }
    zoo::describe_in(file, what_);
    save_settings(file, o_.settings());
    file.metadata["data.epoch"] = std::to_string(position_.epoch);
    file.metadata["data.step"] = std::to_string(position_.step);
    file.metadata["evaluated.step"] = std::to_string(last_evaluated_);
    if (best_) {
        char text[64];
        std::snprintf(text, sizeof text, "%.17g", *best_);
        file.metadata["best.score"] = text, file.metadata["best.epoch"] = std::to_string(best_epoch_);
    }
    if (is_first()) {
        files_.save(steps(), std::move(file));
        if (!hooks_.keeps_best) files_.save_weights(weights());
    }
    fit_.keep_state(); // in every process, because all return to it together
}

// Saves after an error, which the caller reports. Does not call other processes, which may have ended.
void training_session::save_after(const std::string& reason) {
    if (!is_first() || saving_) return;
    const std::string problem = reason_of_failure([&] {
        if (!may_leave_step()) fail("the critic has taken the step at hand, and the upscaler has not");
        give_up_step();
        if (steps() == begun_ || steps() == last_saved_) return;
        write_checkpoint();
        std::fprintf(stderr, "saved before it ends: %s\n", files_.of_step(steps()).c_str());
    });
    if (!problem.empty())
        std::fprintf(stderr, "warning: not saved before it ends (%s): %s\n", reason.c_str(), problem.c_str());
}

// Evaluates and saves if it is due.
void training_session::end_epoch(bool last) {
    evaluate(last);
    if (last || position_.epoch % std::uint64_t(o_.checkpoint_interval) == 0) save();
}

} // namespace programs
