// The common part of pretrain and fine_tune: data, network, evaluation, checkpoints, progress, and a clean end at a
// signal. Several processes train on shares of the batches; the first one evaluates, writes files and reports.
//
// Work is not lost: a run saves before an evaluation, when it is asked to end (common/stopping.hpp), and when an error
// ends it. A failed evaluation is a warning, and the run goes on. Unusable inputs are errors before the first step.
#pragma once
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "common/training_evaluation.hpp"
#include "common/training_log.hpp"
#include "common/training_options.hpp"
#include "fovea/trainer/run_lock.hpp"

namespace programs {

class training_session {
  public:
    // Trains on one micro-batch, and calls meanwhile() as trainer::step does.
    using step_function = std::function<fovea::step_report(image_batch input, image_batch target,
                                                           const std::function<void()>& meanwhile)>;
    struct hooks { // additions of a program to a run
        std::function<void(fovea::tensor_file&)> save;
        std::function<void(const fovea::tensor_file&)> load;
        std::function<std::string()> status; // text after the loss in the progress line; called in every process
        std::function<std::map<std::string, double>()> log; // values of the last step, for names under training/
        std::function<bool()> learns;        // whether the last step trained fit(), whose loss it reports
        std::function<std::int64_t()> steps; // steps that are complete; without it, those of fit()
        std::function<void()> give_up_step;  // like trainer::give_up_step, for other trainers
        std::function<bool()> may_give_up;   // false: one trainer has completed the current step, another has not
        std::function<double(image_batch original, image_batch made)> accuracy; // accuracy of a critic, for evaluations
        bool keeps_best = true; // keeps the weights with the best evaluation, else the last ones
    };

    explicit training_session(const training_options& o);

    // Runs until the epochs are complete, a signal arrives, or the time is over; always ends with a checkpoint.
    void run(const step_function& step, const hooks& h);

    fovea::context& threads() { return threads_; }
    fovea::basic_trainable<float>& network() { return net_; }
    fovea::trainer& fit() { return fit_; }
    fovea::loss_function loss() const { return o_.make_loss(record_); } // its terms are logged
    fovea::training_group* group() const { return group_.get(); }       // null: there is one process
    std::uint64_t epoch() const { return epoch_; }                      // epoch of the current batch
    int micro_batches() const { return micro_batches_; }                // micro-batches of the current step
    std::int64_t total_steps() const;                                   // steps of the whole run
    // Returns a function to call between the operations of a network in training (trainable::between_operations); it
    // leaves the step when a signal has asked for that.
    std::function<void()> stop_check();

  private:
    struct prepared_batch {
        fovea::tensor<float> input, target; // in the network's range
        std::uint64_t epoch = 0;
        fovea::data_position after{}; // position of the batch that follows
        bool ready = false;
    };

    // ---- before the first step (training_start.cpp)
    static std::unique_ptr<fovea::training_group> group_of(const training_options& o);
    std::unique_ptr<fovea::run_lock> lock_of_run();
    bool decide_to_resume();
    std::unique_ptr<test_images> images_of_tests();
    fovea::picture_list training_pictures();
    void check_same_images();
    void report_skipped(const fovea::training_set& set, const char* what) const;
    void prepare_run();
    void tell_what_is_known() const;
    std::int64_t steps_of(int epochs) const;
    std::int64_t steps();
    void start_data(fovea::data_position at);

    // ---- steps (training_session.cpp)
    bool is_first() const { return o_.place.rank == 0; }
    bool can_be_left() const { return !group_ && o_.common.device == "cpu"; } // in the middle of a step
    void train(const step_function& step);
    bool more();
    bool asked_to_end(bool between_steps);
    void begin_step();
    void prepare(prepared_batch& b);
    fovea::step_report take_batch(const step_function& step);
    void after_step(const fovea::step_report& r);
    void log_step(const fovea::step_report& r, const std::map<std::string, double>& terms);
    std::map<std::string, double> loss_terms();
    void tell_progress(const fovea::step_report& r);

    // ---- evaluation and saving (training_saving.cpp)
    void begin();
    void resume();
    bool may_leave_step() const { return !hooks_.may_give_up || hooks_.may_give_up(); }
    void give_up_step();
    fovea::tensor_file weights();
    std::unique_ptr<fovea::upscaler> upscaler_of(const fovea::tensor_file& weights);
    double accuracy_on(const fovea::image& original, const fovea::image& made) const;
    scores measure();
    void evaluate(bool last);
    void share_best();
    void save();
    void write_checkpoint();
    void save_after(const std::string& reason);
    void end_epoch(bool last);

    training_options o_;
    hooks hooks_;
    fovea::zoo::architecture what_;
    // Declared before anything that may fail, so that all processes learn of it.
    std::unique_ptr<fovea::training_group> group_;
    fovea::checkpoint_files files_;         // before the pictures, so that write errors show before hours of decoding
    std::unique_ptr<fovea::run_lock> lock_; // first process only
    bool resumes_ = false;
    fovea::context threads_;
    std::unique_ptr<test_images> tests_; // first process only, if there are test images
    fovea::picture_list validation_pictures_;
    fovea::training_set set_;
    std::unique_ptr<validation_images> validation_; // first process only, if there are validation images
    bool evaluates_ = false;                        // equal in all processes
    std::unique_ptr<fovea::data_loader> loader_;
    fovea::basic_trainable<float> net_;
    fovea::trainer fit_;
    std::shared_ptr<loss_record> record_ = std::make_shared<loss_record>();
    prepared_batch batches_[2];
    int at_ = 0;                                     // index of the next step's batch in batches_
    std::exception_ptr failure_;                     // error in preparing the next batch
    fovea::data_position position_{}, step_begin_{}; // position after the completed work; start of the current step
    int micro_batches_ = 1;
    training_log log_;
    progress_bar bar_{"training"};
    std::int64_t begun_ = 0;                             // number of the step at which this run began
    double images_ = 0, first_step_ = 0, last_told_ = 0; // first_step_, last_told_: in seconds
    std::int64_t last_saved_ = -1, last_evaluated_ = -1; // numbers of steps
    bool saving_ = false;
    std::uint64_t epoch_ = 0, best_epoch_ = 0;
    std::optional<double> best_;
};

} // namespace programs
