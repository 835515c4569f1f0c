// The steps of a training_session.
#include "common/training_session.hpp"

#include "common/stopping.hpp"

namespace programs {

using namespace fovea;

namespace {

std::string duration_of(double seconds) {
    char text[32];
    std::snprintf(text, sizeof text, "%.2g s", seconds);
    if (seconds < 100) return text;
    return seconds < 6000 ? text_of(int(seconds / 60), " minutes") : text_of(int(seconds / 3600), " hours");
}

} // namespace

bool training_session::more() {
    const bool patient = o_.patience == 0 || !best_ || position_.epoch < best_epoch_ + std::uint64_t(o_.patience);
    return position_.epoch < std::uint64_t(o_.num_epochs) && (o_.max_steps == 0 || steps() < o_.max_steps) && patient;
}

// Returns true in all processes if one is asked to end. The time limit counts between steps only, so that no step is
// lost.
bool training_session::asked_to_end(bool between_steps) {
    const bool late = between_steps && o_.max_minutes > 0 && bar_.seconds() >= 60 * o_.max_minutes;
    const bool here = stop_asked() || late, asked = sum_over(group_.get(), here) > 0;
    if (asked && !here && is_first()) std::fprintf(stderr, "another process was asked to end: saves, then ends\n");
    return asked;
}

// Steps begin at multiples of the accumulation within an epoch; the last one ends with the epoch.
void training_session::begin_step() {
    const std::uint64_t each = std::uint64_t(o_.gradient_accumulation_steps), at = position_.step;
    micro_batches_ = int(std::min(each - at % each, loader_->steps_per_epoch() - at));
    fit_.expect(micro_batches_);
    step_begin_ = position_;
}

void training_session::prepare(prepared_batch& b) {
    const training_batch& from = loader_->next();
    to_range(what_.range, from.input, b.input), to_range(what_.range, from.target, b.target);
    b.epoch = from.at.epoch, b.after = loader_->position(), b.ready = true;
}

// Prepares the next batch while a GPU computes. An error in that is thrown when the batch is needed, so that the
// current step is completed first.
step_report training_session::take_batch(const step_function& step) {
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
    prepared_batch &now = batches_[at_], &next = batches_[at_ ^ 1];
    if (!now.ready) prepare(now);
    at_ ^= 1, now.ready = false, epoch_ = now.epoch;
    const step_report r = step(now.input.view(), now.target.view(), [&] {
        try {
            prepare(next);
            fit_.stage(next.input.view(), next.target.view());
        } catch (...) {
            failure_ = std::current_exception();
        }
    });
    position_ = now.after;
    return r;
}

// Returns the means of the loss terms over the processes.
std::map<std::string, double> training_session::loss_terms() {
    std::map<std::string, double> terms = record_->take();
    for (auto& [name, value] : terms) value = sum_over(group_.get(), value) / o_.place.size;
    if (hooks_.log)
        for (auto& [name, value] : hooks_.log()) terms[name] = value;
    return terms;
}

void training_session::log_step(const step_report& r, const std::map<std::string, double>& terms) {
    if (!hooks_.learns || hooks_.learns()) { // else it is the loss of another trainer, which is among the terms
        log_.add("training/loss", steps(), r.loss);
        log_.add("training/gradient norm", steps(), r.gradient_norm);
        log_.add("training/learning rate", steps(), r.learning_rate);
    }
    for (auto& [name, value] : terms) log_.add("training/" + name, steps(), value);
    if (o_.gradient_norm_interval == 0 || steps() % o_.gradient_norm_interval != 0) return;
    for (std::size_t k = 0; k < fit_.gradient_norms().size(); ++k)
        log_.add("gradient norm/" + net_.parameters()[k].name, steps(), fit_.gradient_norms()[k]);
}

// Shows progress within the first step, which tells how long the others will take.
void training_session::tell_progress(const step_report& r) {
    const double now = bar_.seconds();
    if (!r.complete && first_step_ == 0 && now - last_told_ >= 1) {
        const auto done = position_.step - step_begin_.step;
        std::fprintf(stderr, "step %lld: %lld of %d micro-batches, %s\n", static_cast<long long>(steps() + 1),
                     static_cast<long long>(done), micro_batches_, duration_of(now).c_str());
        last_told_ = now;
    }
    if (!r.complete || first_step_ > 0) return;
    first_step_ = std::max(now, 1e-9);
    const std::int64_t left = total_steps() - steps();
    std::fprintf(stderr, "the first step took %s and %.1f MB, its loss is %s: the other %lld take about %s\n",
                 duration_of(first_step_).c_str(), double(net_.bytes()) / (1 << 20), setting_of(r.loss).c_str(),
                 static_cast<long long>(left), duration_of(first_step_ * double(left)).c_str());
}

void training_session::after_step(const step_report& r) {
    if (!r.problem.empty())
        std::fprintf(stderr, "%sstep %lld: %s (%lld such steps)\n",
                     is_first() ? "" : text_of("process ", o_.place.rank, ", ").c_str(),
                     static_cast<long long>(steps()), r.problem.c_str(), static_cast<long long>(fit_.bad_steps()));
    const auto terms = loss_terms();
    if (log_) log_step(r, terms);
    const std::string status = hooks_.status ? hooks_.status() : std::string();
    if (!is_first()) return;
    bar_.say(text_of("epoch ", position_.epoch, ", step ", steps(), ", loss ", r.loss, ", ", status,
                     setting_of(int(images_ / bar_.seconds() * 10) / 10.), " images/s"));
}

void training_session::train(const step_function& step) {
    bool between_steps = true;
    while (more() && !asked_to_end(between_steps)) {
        if (between_steps) begin_step();
        const step_report r = take_batch(step);
        images_ += o_.batch_size;
        between_steps = r.complete;
        if (r.complete) after_step(r);
        if (is_first()) {
            tell_progress(r);
            const double part = between_steps ? 0 : double(position_.step - step_begin_.step) / micro_batches_;
            bar_((double(steps() - begun_) + part) / double(std::max<std::int64_t>(total_steps() - begun_, 1)));
        }
        if (r.complete && position_.step == 0) end_epoch(false);
    }
    if (!between_steps) throw stop_request{};
}

void training_session::run(const step_function& step, const hooks& h) {
    hooks_ = h;
    begin_saving();
    prepare_run();
    bar_ = progress_bar("training");
    try {
        try {
            // A run that was killed during an evaluation begins with it.
            if (position_.step == 0 && position_.epoch > 0 && more()) evaluate(false);
            train(step);
        } catch (const stop_request&) {
            give_up_step();
        }
        if (more())
            save(); // at once, because whoever interrupts may not wait for an evaluation
        else
            end_epoch(true);
    } catch (const std::exception& e) {
        save_after(e.what());
        throw;
    }
    if (group_) group_->wait_for_all(); // also for the files that process 0 writes
    if (!is_first()) return;
    const waiting_time waited = loader_->waited();
    std::fprintf(stderr, "%lld steps, %.0f s, of which %.1f s waited for data%s\n", static_cast<long long>(steps()),
                 bar_.seconds(), waited.seconds, stop_asked() ? "; asked to end, --resume goes on from here" : "");
}

} // namespace programs
