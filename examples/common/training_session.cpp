#include "common/training_session.hpp"

#include <csignal>

#include "common/enlarger.hpp"
#include "common/files.hpp"
#include "common/on_gpu.hpp"
#include "fovea/trainer/process_links.hpp"

namespace programs {

using namespace fovea;

namespace {

volatile std::sig_atomic_t stop_asked = 0;

void ask_to_stop(int) { stop_asked = 1; }

std::unique_ptr<training_group> group_of(const training_options& o) {
    if (o.place.size == 1) return nullptr;
    return std::make_unique<process_links>(o.place, o.process_deadline);
}

basic_trainable<float> network_for(const training_options& o, const zoo::architecture& what, context& threads) {
    const trainable_options of{
        .seed = o.common.seed, .gain = o.initial_gain, .threads = &threads, .precision = precision_of(o.precision)};
    return o.common.device == "cuda" ? trainable_on_gpu(what, of) : zoo::trainable_of<cpu>(what, of);
}

} // namespace

std::string training_session::scores::text() const {
    std::string all;
    for (auto& [name, value] : of) {
        char number[64];
        std::snprintf(number, sizeof number, "%s%s %.4f", all.empty() ? "" : ", ", name.c_str(), value);
        all += number;
    }
    return all;
}

// Throws when a run could not write there, or would mix its files with those of an earlier one.
checkpoint_files training_session::writable_files(const training_options& o) {
    checkpoint_files files(o.checkpoint_path, o.keep_checkpoints);
    if (o.place.rank > 0) return files; // which it does not write
    files.check_writable();
    if (const auto earlier = files.steps(); !o.resume && !earlier.empty()) // a later --resume could not tell them apart
        fail(files.of_step(earlier.back()).string(),
             ": is of an earlier run: expected --resume, or another --checkpoint-path");
    if (o.run_dir_path.empty()) return files;
    std::error_code problem;
    std::filesystem::create_directories(o.run_dir_path, problem);
    if (problem) fail(o.run_dir_path, ": cannot make the folder: ", problem.message());
    const atomic_file probe(std::filesystem::path(o.run_dir_path) / "events");
    return files;
}

picture_list training_session::training_pictures() {
    picture_list list = o_.low_images_path.empty()
                            ? pictures_below(o_.train_images_path)
                            : pairs_below(o_.train_images_path, o_.low_images_path, o_.upscale_ratio);
    if (o_.validation_share <= 0) return list;
    picture_split split = split_pictures(std::move(list), o_.validation_share, o_.common.seed);
    validation_pictures_ = std::move(split.validation);
    return std::move(split.training);
}

training_session::training_session(const training_options& o)
    : o_(o),
      what_(o.architecture()),
      group_(group_of(o)),
      files_(writable_files(o)),
      threads_({.threads = o.common.threads}),
      set_(training_pictures(), o.samples(),
           {.cache_bytes = std::uint64_t(o.cache_megabytes) << 20, .threads = o.num_dataset_processes}),
      net_(network_for(o, what_, threads_)),
      fit_(net_, o.make_optimizer(), {}, group_.get()) {
    if (is_first()) report_skipped(set_);
    check_same_images();
    if (is_first() && !validation_pictures_.pictures.empty())
        validation_.emplace(std::move(validation_pictures_), o.samples(),
                            training_set_options{.threads = o.num_dataset_processes});
    start_data({});
}

// Decoding takes one machine longer than another.
void training_session::check_same_images() {
    if (!group_) return;
    group_->wait_for_all();
    const double mine = double(set_.size());
    if (sum_over(group_.get(), mine) != mine * group_->size())
        fail(o_.train_images_path, ": has ", set_.size(), " images in process ", group_->rank(),
             ", and another number in others: expected the same images everywhere");
}

void training_session::start_data(data_position at) {
    loader_.reset();
    for (prepared_batch& b : batches_) b.ready = false;
    loader_ =
        std::make_unique<data_loader>(set_, loader_options{.batch = o_.batch_size,
                                                           .threads = o_.num_dataset_processes,
                                                           .seed = o_.common.seed,
                                                           .samples_per_epoch = std::uint64_t(o_.samples_per_epoch),
                                                           .part = o_.place.rank,
                                                           .parts = o_.place.size,
                                                           .start = at});
    position_ = loader_->position();
}

void training_session::report_skipped(const training_set& set) const {
    std::fprintf(stderr, "%zu images to train on", set.size());
    std::fprintf(stderr, set.skipped().empty() ? "\n" : ", %zu files left out:\n", set.skipped().size());
    for (auto& file : set.skipped()) std::fprintf(stderr, "  %s\n", file.reason.c_str());
}

// The last step of an epoch has the micro-batches that are left.
std::int64_t training_session::steps_of(int epochs) const {
    const std::int64_t each = o_.gradient_accumulation_steps, batches = std::int64_t(loader_->steps_per_epoch());
    return (batches + each - 1) / each * epochs;
}

std::int64_t training_session::total_steps() const {
    const std::int64_t steps = steps_of(o_.num_epochs);
    return o_.max_steps > 0 ? std::min(steps, o_.max_steps) : steps;
}

std::int64_t training_session::steps() { return hooks_.steps ? hooks_.steps() : fit_.steps(); }

void training_session::begin() {
    if (o_.weights.empty()) return;
    net_.load(shared_file(group_.get(), [&] { return fovea::weights_of(read_tensor_file(weights_at(o_.weights))); }));
}

void training_session::resume() {
    const tensor_file file = shared_file(group_.get(), [&] { return files_.latest(); });
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
    if (is_first())
        std::fprintf(stderr, "%s: goes on at epoch %llu, step %lld\n", file.source.c_str(),
                     static_cast<unsigned long long>(position_.epoch), static_cast<long long>(steps()));
}

void training_session::to_range(const tensor<float>& from, tensor<float>& to) const {
    if (to.size() != from.size()) to = tensor<float>(from.batch(), from.height(), from.width(), from.channels());
    const float low = what_.range.low, span = what_.range.high - what_.range.low;
    for (std::size_t i = 0; i < from.size(); ++i) to.data()[i] = low + span * from.data()[i];
}

// The weights that are evaluated and used: the averages where there are any.
tensor_file training_session::weights() {
    tensor_file file;
    file.source = "the weights in training";
    zoo::describe_in(file, what_);
    fit_.exchange_average();
    for (auto* all : {&net_.parameters(), &net_.buffers()})
        for (auto& p : *all) file.add(tensor_of(p.name, {p.dims.begin(), p.dims.begin() + p.rank}, p.values()));
    fit_.exchange_average();
    return file;
}

// On the middle of the two, as large as a part that it is trained on: its activations take much memory.
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

std::unique_ptr<upscaler> training_session::upscaler_of(const tensor_file& weights) {
    const model_options o{.threads = &threads_};
    return o_.common.device == "cuda" ? load_on_gpu(weights, o)
                                      : std::make_unique<upscaler>(zoo::load<cpu>(weights, o));
}

training_session::scores training_session::evaluate_images() {
    const auto upscale = upscaler_of(weights());
    const auto measure = o_.common.device == "cuda" ? measure_on_gpu() : measure_on_cpu();
    scores s;
    bool with_vif = true; // for every image
    const auto files = images_in(o_.test_images_path);
    for (auto& file : files) {
        const image high = crop_to_multiple(read_rgb8(file), what_.scale);
        const image low = resize_matlab(high, high.height() / what_.scale, high.width() / what_.scale);
        const image made = (*upscale)(low);
        const metric_options m{.channels = metric_channels::y, .crop = what_.scale};
        with_vif &= std::min(high.height(), high.width()) - 2 * what_.scale >= vif_least_side;
        for (auto& [name, value] : measure(made, high, m, {.vif = with_vif}))
            s.of[name] += value / double(files.size());
        if (events_ && file == files.front())
            for (auto& [tag, picture] :
                 {std::pair{"evaluation/input", &low}, {"evaluation/output", &made}, {"evaluation/target", &high}})
                events_->add_image(tag, steps(), *picture);
        if (hooks_.accuracy) s.of["critic accuracy"] += accuracy_on(high, made) / double(files.size());
    }
    if (!with_vif) s.of.erase("vif");
    s.best = s.of["psnr"];
    return s;
}

training_session::scores training_session::evaluate_validation() {
    const int batch = std::min<int>(o_.batch_size, int(validation_->size()));
    data_loader data(*validation_, {.batch = batch, .threads = o_.num_dataset_processes, .drop_incomplete = false});
    const loss_function loss = o_.make_loss();
    tensor<float> x, t;
    double sum = 0, right = 0, images = 0;
    fit_.exchange_average();
    for (std::uint64_t i = 0; i < data.steps_per_epoch(); ++i) {
        const training_batch& b = data.next();
        to_range(b.input, x), to_range(b.target, t);
        const auto y = net_.forward(x.view(), true);
        sum += loss(y, t.view(), net_.output_gradient(), 0) * b.input.batch();
        if (hooks_.accuracy) right += hooks_.accuracy(t.view(), y) * b.input.batch();
        images += b.input.batch();
    }
    fit_.exchange_average();
    scores s;
    s.of["validation loss"] = sum / images;
    if (hooks_.accuracy) s.of["critic accuracy"] = right / images;
    s.best = -sum / images;
    return s;
}

std::optional<training_session::scores> training_session::evaluate() {
    if (validation_) return evaluate_validation();
    if (std::filesystem::is_directory(o_.test_images_path)) return evaluate_images();
    return std::nullopt;
}

void training_session::save() {
    if (last_saved_ == steps()) return;
    fit_.check_same_weights();
    tensor_file file;
    file.source = files_.of_step(steps()).string();
    fit_.save(file);
    if (hooks_.save) hooks_.save(file);
    zoo::describe_in(file, what_);
    save_settings(file, o_.settings());
    file.metadata["data.epoch"] = std::to_string(position_.epoch);
    file.metadata["data.step"] = std::to_string(position_.step);
    if (best_) {
        char text[64];
        std::snprintf(text, sizeof text, "%.17g", *best_);
        file.metadata["best.score"] = text, file.metadata["best.epoch"] = std::to_string(best_epoch_);
    }
    if (is_first()) files_.save(steps(), file);
    last_saved_ = steps();
    fit_.keep_state(); // in every process, as all go back to it together
}

void training_session::log_step(const step_report& r) {
    events_->add_scalar("training/loss", steps(), r.loss);
    events_->add_scalar("training/gradient norm", steps(), r.gradient_norm);
    events_->add_scalar("training/learning rate", steps(), r.learning_rate);
    if (o_.gradient_norm_interval == 0 || steps() % o_.gradient_norm_interval != 0) return;
    for (std::size_t k = 0; k < fit_.gradient_norms().size(); ++k)
        events_->add_scalar("gradient norm/" + net_.parameters()[k].name, steps(), fit_.gradient_norms()[k]);
}

// Evaluates and saves where it is due.
void training_session::end_epoch(bool last) {
    const std::uint64_t epoch = position_.epoch; // that are done
    if ((last || epoch % std::uint64_t(o_.eval_interval) == 0) && last_evaluated_ != steps()) {
        last_evaluated_ = steps();
        if (const auto s = is_first() ? evaluate() : std::nullopt) {
            const bool better = hooks_.keeps_best && (!best_ || s->best > *best_);
            std::fprintf(stderr, "epoch %llu, step %lld: %s%s\n", static_cast<unsigned long long>(epoch),
                         static_cast<long long>(steps()), s->text().c_str(), better ? ", the best so far" : "");
            if (events_)
                for (auto& [name, value] : s->of) events_->add_scalar("evaluation/" + name, steps(), value);
            if (better) {
                best_ = s->best, best_epoch_ = epoch;
                files_.save_best(weights());
            }
        }
        share_best();
    }
    if (last || epoch % std::uint64_t(o_.checkpoint_interval) == 0) save();
}

// What the evaluation by process 0 has found, for which the others wait.
void training_session::share_best() {
    if (!group_) return;
    group_->wait_for_all();
    double found[] = {best_ ? 1. : 0., best_.value_or(0), double(best_epoch_)};
    group_->broadcast(std::as_writable_bytes(std::span(found)));
    if (found[0] > 0) best_ = found[1], best_epoch_ = std::uint64_t(found[2]);
}

bool training_session::more() {
    const bool patient = o_.patience == 0 || !best_ || position_.epoch < best_epoch_ + std::uint64_t(o_.patience);
    return position_.epoch < std::uint64_t(o_.num_epochs) && (o_.max_steps == 0 || steps() < o_.max_steps) && patient;
}

// Steps begin at multiples of the accumulation in each epoch, and end with it.
void training_session::begin_step() {
    const std::uint64_t each = std::uint64_t(o_.gradient_accumulation_steps), at = position_.step;
    micro_batches_ = int(std::min(each - at % each, loader_->steps_per_epoch() - at));
    fit_.expect(micro_batches_);
}

void training_session::prepare(prepared_batch& b) {
    const training_batch& from = loader_->next();
    to_range(from.input, b.input), to_range(from.target, b.target);
    b.epoch = from.at.epoch, b.after = loader_->position(), b.ready = true;
}

// A GPU is at work while the next batch is prepared.
step_report training_session::take_batch(const step_function& step) {
    prepared_batch &now = batches_[at_], &next = batches_[at_ ^= 1];
    if (!now.ready) prepare(now);
    now.ready = false, epoch_ = now.epoch;
    const step_report r = step(now.input.view(), now.target.view(), [&] {
        prepare(next);
        fit_.stage(next.input.view(), next.target.view());
    });
    position_ = now.after;
    return r;
}

void training_session::run(const step_function& step, const hooks& h) {
    hooks_ = h;
    if (const int stale = is_first() ? files_.remove_stale() : 0)
        std::fprintf(stderr, "%d unfinished files of runs that were killed: removed\n", stale);
    if (is_first() && !o_.run_dir_path.empty()) events_.emplace(o_.run_dir_path);
    if (!o_.resume) begin(); // before the options: averages begin with the weights as they are
    fit_.set_options(o_.trainer(std::max<std::int64_t>(total_steps() - steps_of(o_.critic_warmup_epochs), 1)));
    if (o_.resume) resume();
    std::signal(SIGINT, ask_to_stop);
    std::signal(SIGTERM, ask_to_stop);
    const std::int64_t total = total_steps(), begun = steps();
    if (is_first())
        std::fprintf(stderr, "%s: %lld steps of %d x %d images%s\n", zoo::describe(what_).c_str(),
                     static_cast<long long>(total), o_.gradient_accumulation_steps, o_.batch_size,
                     group_ ? text_of(" in ", group_->size(), " processes").c_str() : "");
    progress_bar bar("training");
    double images = 0;
    bool between_steps = true;
    const auto interrupted = [&] { // all of the processes where one of them is
        const bool here = stop_asked || (o_.max_minutes > 0 && bar.seconds() >= 60 * o_.max_minutes);
        return sum_over(group_.get(), here) > 0;
    };
    while (more() && !(between_steps && interrupted())) {
        if (between_steps) begin_step();
        const step_report r = take_batch(step);
        images += o_.batch_size;
        between_steps = r.complete;
        if (!r.complete) continue;
        if (!r.problem.empty())
            std::fprintf(stderr, "%sstep %lld: %s (%lld such steps)\n",
                         is_first() ? "" : text_of("process ", o_.place.rank, ", ").c_str(),
                         static_cast<long long>(steps()), r.problem.c_str(), static_cast<long long>(fit_.bad_steps()));
        if (events_) log_step(r);
        const std::string status = hooks_.status ? hooks_.status() : std::string();
        if (is_first()) {
            bar.say(text_of("epoch ", position_.epoch, ", step ", steps(), ", loss ", r.loss, ", ", status,
                            setting_of(int(images / bar.seconds() * 10) / 10.), " images/s"));
            bar(double(steps() - begun) / double(std::max<std::int64_t>(total - begun, 1)));
        }
        if (position_.step == 0) end_epoch(false);
    }
    if (more())
        save(); // at once: whoever interrupts may not wait for an evaluation
    else
        end_epoch(true);
    if (group_) group_->wait_for_all(); // also for what process 0 writes
    if (!is_first()) return;
    const waiting_time waited = loader_->waited();
    std::fprintf(stderr, "%lld steps, %.0f s, of which %.1f s waited for data\n", static_cast<long long>(steps()),
                 bar.seconds(), waited.seconds);
}

} // namespace programs
