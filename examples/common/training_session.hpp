// What pretrain and fine_tune share: data, network, evaluation, checkpoints, progress, and a clean end at a signal. Of
// several processes each trains on its share of the batches; the first one evaluates, writes and tells.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "common/training_options.hpp"

namespace programs {

using image_batch = fovea::tensor_view<const float>; // (N,H,W,3), in the network's range of values

class training_session {
  public:
    // One micro-batch; meanwhile() as trainer::step calls it.
    using step_function = std::function<fovea::step_report(image_batch input, image_batch target,
                                                           const std::function<void()>& meanwhile)>;
    struct hooks { // what a program adds to a run
        std::function<void(fovea::tensor_file&)> save;
        std::function<void(const fovea::tensor_file&)> load;
        std::function<std::string()> status; // after the loss in the progress line; called in every process
        std::function<std::int64_t()> steps; // that are done; without, those of fit()
        std::function<double(image_batch original, image_batch made)> accuracy; // of a critic, for the evaluation
        bool keeps_best = true; // whether the evaluation says which weights are the best
    };

    explicit training_session(const training_options& o);

    // Until the epochs are over, or a signal, or the time: always with a checkpoint.
    void run(const step_function& step, const hooks& h);

    fovea::context& threads() { return threads_; }
    fovea::basic_trainable<float>& network() { return net_; }
    fovea::trainer& fit() { return fit_; }
    fovea::training_group* group() const { return group_.get(); } // null: there is one process
    std::uint64_t epoch() const { return epoch_; }                // of the batch at hand
    int micro_batches() const { return micro_batches_; }          // of the step at hand
    std::int64_t total_steps() const;                             // of the whole run

  private:
    struct scores {
        std::map<std::string, double> of; // psnr and ssim on Y, or loss
        double best = 0;                  // what selects the best weights, the larger the better
        std::string text() const;
    };

    struct prepared_batch {
        fovea::tensor<float> input, target; // in the network's range
        std::uint64_t epoch = 0;
        fovea::data_position after{}; // where the data goes on
        bool ready = false;
    };

    static fovea::checkpoint_files writable_files(const training_options& o);
    bool is_first() const { return o_.place.rank == 0; }
    void check_same_images();
    void share_best();
    fovea::picture_list training_pictures();
    std::int64_t steps_of(int epochs) const;
    std::int64_t steps();
    void start_data(fovea::data_position at);
    void begin();
    void resume();
    void report_skipped(const fovea::training_set& set) const;
    void to_range(const fovea::tensor<float>& from, fovea::tensor<float>& to) const;
    fovea::tensor_file weights();
    std::unique_ptr<fovea::upscaler> upscaler_of(const fovea::tensor_file& weights);
    std::optional<scores> evaluate();
    scores evaluate_images();
    scores evaluate_validation();
    double accuracy_on(const fovea::image& original, const fovea::image& made) const;
    bool more();
    void begin_step();
    void prepare(prepared_batch& b);
    fovea::step_report take_batch(const step_function& step);
    void save();
    void log_step(const fovea::step_report& r);
    void end_epoch(bool last);

    training_options o_;
    hooks hooks_;
    fovea::zoo::architecture what_;
    std::unique_ptr<fovea::training_group> group_; // before what may fail: then all know it
    fovea::checkpoint_files files_; // before the pictures: what cannot be written is known before hours of decoding
    fovea::context threads_;
    fovea::picture_list validation_pictures_;
    fovea::training_set set_;
    std::optional<fovea::training_set> validation_;
    std::unique_ptr<fovea::data_loader> loader_;
    fovea::basic_trainable<float> net_;
    fovea::trainer fit_;
    prepared_batch batches_[2];
    int at_ = 0;                      // of batches_, that of the next step
    fovea::data_position position_{}; // after the steps that are done
    int micro_batches_ = 1;
    std::optional<fovea::event_file> events_;            // for TensorBoard
    std::int64_t last_saved_ = -1, last_evaluated_ = -1; // steps
    std::uint64_t epoch_ = 0, best_epoch_ = 0;
    std::optional<double> best_;
};

} // namespace programs
