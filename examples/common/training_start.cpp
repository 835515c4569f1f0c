// The preparation of a training_session before its first step.
#include "common/training_session.hpp"

#include "common/enlarger.hpp"
#include "common/on_gpu.hpp"
#include "common/stopping.hpp"
#include "fovea/distributed/process_links.hpp"

namespace programs {

using namespace fovea;

namespace {

basic_trainable<float> network_for(const training_options& o, const zoo::architecture& what, context& threads) {
    const trainable_options of{
        .seed = o.common.seed, .gain = o.initial_gain, .threads = &threads, .precision = precision_of(o.precision)};
    return o.common.device == "cuda" ? trainable_on_gpu(what, of) : zoo::trainable_of<cpu>(what, of);
}

} // namespace

std::unique_ptr<upscaler> training_session::upscaler_of(const tensor_file& weights) {
    const model_options o{.threads = &threads_};
    return o_.common.device == "cuda" ? load_on_gpu(weights, o)
                                      : std::make_unique<upscaler>(zoo::load<cpu>(weights, o));
}

std::unique_ptr<training_group> training_session::group_of(const training_options& o) {
    listen_for_signals(o.place.rank == 0);
    if (o.place.size == 1) return nullptr;
    auto group = std::make_unique<process_links>(o.place, o.process_deadline);
    check_same_settings(*group, o.shared_settings());
    return group;
}

// Throws if the run cannot write its files or another run uses them. Only the first process writes.
std::unique_ptr<run_lock> training_session::lock_of_run() {
    if (!is_first()) return nullptr;
    files_.check_writable();
    auto lock = std::make_unique<run_lock>(files_.lock());
    if (o_.run_dir_path.empty()) return lock;
    std::error_code problem;
    std::filesystem::create_directories(o_.run_dir_path, problem);
    if (problem) fail(o_.run_dir_path, ": cannot make the folder: ", problem.message());
    const atomic_file probe(std::filesystem::path(o_.run_dir_path) / "events");
    return lock;
}

// Throws if the run would mix its files with those of an earlier run, so that a later --resume could not tell them
// apart.
bool training_session::decide_to_resume() {
    bool resumes = o_.resume;
    if (is_first()) {
        if (o_.reset)
            if (const auto aside = files_.set_aside(); !aside.empty())
                std::fprintf(stderr, "--reset: the files of the earlier run are kept as %s.*\n", aside.c_str());
        const auto earlier = files_.steps();
        if (o_.resume_if_any) resumes = !earlier.empty();
        if (!resumes && !earlier.empty())
            fail(files_.of_step(earlier.back()).string(),
                 ": is of an earlier run: expected --resume, --reset or another --checkpoint-path");
    }
    return sum_over(group_.get(), is_first() && resumes) > 0;
}

std::unique_ptr<test_images> training_session::images_of_tests() {
    if (!is_first()) return nullptr;
    // The default folder need not exist.
    if (!o_.test_images_given && !std::filesystem::is_directory(o_.test_images_path)) return nullptr;
    return std::make_unique<test_images>(o_.test_images_path, what_.scale,
                                         o_.common.device == "cuda" ? measure_on_gpu() : measure_on_cpu());
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
      files_(o.checkpoint_path, o.keep_checkpoints),
      lock_(lock_of_run()),
      resumes_(decide_to_resume()),
      threads_({.threads = o.common.threads}),
      tests_(images_of_tests()),
      set_(training_pictures(), o.samples(),
           {.cache_bytes = std::uint64_t(o.cache_megabytes) << 20, .threads = o.num_dataset_processes}),
      net_(network_for(o, what_, threads_)),
      fit_(net_, o.make_optimizer(), {}, group_.get()) {
    if (is_first()) report_skipped(set_, "to train on");
    check_same_images();
    if (is_first() && !validation_pictures_.pictures.empty()) {
        validation_ = std::make_unique<validation_images>(std::move(validation_pictures_), o_, what_);
        report_skipped(validation_->set(), "kept for validation");
    }
    evaluates_ = sum_over(group_.get(), tests_ || validation_) > 0;
    start_data({});
    if (can_be_left()) net_.between_operations(stop_check());
}

std::function<void()> training_session::stop_check() {
    if (!can_be_left()) return {};
    return [this] {
        if (may_leave_step()) throw_if_stopped();
    };
}

// Waits first, because decoding takes longer on some machines.
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
    loader_options how{.batch = o_.batch_size,
                       .threads = o_.num_dataset_processes,
                       .seed = o_.common.seed,
                       .samples_per_epoch = std::uint64_t(o_.samples_per_epoch),
                       .part = o_.place.rank,
                       .parts = o_.place.size,
                       .start = at};
    if (can_be_left()) how.waiting = throw_if_stopped;
    loader_ = std::make_unique<data_loader>(set_, how);
    position_ = step_begin_ = loader_->position();
}

void training_session::report_skipped(const training_set& set, const char* what) const {
    std::fprintf(stderr, "%zu images %s", set.size(), what);
    std::fprintf(stderr, set.skipped().empty() ? "\n" : ", %zu files left out:\n", set.skipped().size());
    for (auto& file : set.skipped()) std::fprintf(stderr, "  %s\n", file.reason.c_str());
}

// The last step of an epoch has the remaining micro-batches.
std::int64_t training_session::steps_of(int epochs) const {
    const std::int64_t each = o_.gradient_accumulation_steps, batches = std::int64_t(loader_->steps_per_epoch());
    return (batches + each - 1) / each * epochs;
}

std::int64_t training_session::total_steps() const {
    const std::int64_t steps = steps_of(o_.num_epochs);
    return o_.max_steps > 0 ? std::min(steps, o_.max_steps) : steps;
}

std::int64_t training_session::steps() { return hooks_.steps ? hooks_.steps() : fit_.steps(); }

void training_session::prepare_run() {
    if (const int stale = is_first() ? files_.remove_stale() : 0)
        std::fprintf(stderr, "%d unfinished files of runs that were killed: removed\n", stale);
    if (is_first() && !o_.run_dir_path.empty()) log_ = training_log(o_.run_dir_path);
    if (!resumes_) begin(); // before the options, because averages begin with the current weights
    fit_.set_options(o_.trainer(std::max<std::int64_t>(total_steps() - steps_of(o_.critic_warmup_epochs), 1)));
    if (resumes_) resume();
    begun_ = steps();
    log_.add("options", begun_, o_.shared_settings());
    if (is_first()) tell_what_is_known();
    if (tests_)
        for (auto& [name, value] : tests_->bicubic()) log_.add("evaluation/bicubic " + name, begun_, value);
    if (validation_)
        for (auto& [name, value] : validation_->bicubic()) log_.add("evaluation/bicubic " + name, begun_, value);
}

// The last line reports the number of steps.
void training_session::tell_what_is_known() const {
    if (const std::string remark = o_.remark(); !remark.empty()) std::fprintf(stderr, "%s\n", remark.c_str());
    if (tests_)
        std::fprintf(stderr, "bicubic interpolation on %zu test images: %s\n", tests_->size(),
                     text_of_scores(tests_->bicubic()).c_str());
    if (validation_)
        std::fprintf(stderr, "bicubic interpolation on %zu validation images: %s\n", validation_->set().size(),
                     text_of_scores(validation_->bicubic()).c_str());
    if (!evaluates_)
        std::fprintf(stderr, "no evaluation: neither --test-images-path nor --validation-share is given\n");
    if (o_.common.device == "cpu") {
        const int side = o_.target_resolution / what_.scale;
        const auto plan = plan_training(net_.traced(), {side, side}, o_.batch_size / o_.place.size,
                                        {.storage = stored_format(precision_of(o_.precision))}, sizeof(float));
        std::fprintf(stderr, "memory: %.1f MB for activations and gradients, %.1f MB for decoded images\n",
                     double(plan.bytes) / (1 << 20), double(set_.cached_bytes()) / (1 << 20));
    }
    std::fprintf(stderr, "%s: %lld steps of %d x %d images%s\n", zoo::describe(what_).c_str(),
                 static_cast<long long>(total_steps()), o_.gradient_accumulation_steps, o_.batch_size,
                 group_ ? text_of(" in ", group_->size(), " processes").c_str() : "");
}

} // namespace programs
