// What pretrain and fine_tune share: data, network, evaluation, checkpoints, progress, and a clean end at a signal.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "common/training_options.hpp"

namespace programs {

class training_session {
  public:
    // One micro-batch, in the network's range of values.
    using step_function = std::function<fovea::step_report(fovea::tensor_view<const float> input,
                                                           fovea::tensor_view<const float> target)>;
    struct hooks { // of what a program adds to a checkpoint
        std::function<void(fovea::tensor_file&)> save;
        std::function<void(const fovea::tensor_file&)> load;
        std::function<std::string()> status;                // after the loss in the progress line
    };

    explicit training_session(const training_options& o);

    // Until the epochs are over, or a signal, or the time: always with a checkpoint.
    void run(const step_function& step, const hooks& h);

    fovea::context& threads() { return threads_; }
    fovea::basic_trainable<float>& network() { return net_; }
    fovea::trainer& fit() { return fit_; }
    const fovea::data_loader& data() const { return *loader_; }

  private:
    struct scores {
        std::map<std::string, double> of; // psnr and ssim on Y, or loss
        double best = 0;                  // what selects the best weights, the larger the better
        std::string text() const;
    };

    fovea::picture_list training_pictures();
    std::int64_t total_steps() const;
    void load_weights();
    void resume(const hooks& h);
    void report_skipped(const fovea::training_set& set) const;
    void to_range(const fovea::tensor<float>& from, fovea::tensor<float>& to) const;
    fovea::tensor_file weights();
    std::optional<scores> evaluate();
    scores evaluate_images();
    scores evaluate_validation();
    void save(const hooks& h);
    void end_epoch(const hooks& h, bool last);

    training_options o_;
    fovea::zoo::architecture what_;
    fovea::context threads_;
    fovea::picture_list validation_pictures_;
    fovea::training_set set_;
    std::optional<fovea::training_set> validation_;
    std::unique_ptr<fovea::data_loader> loader_;
    fovea::basic_trainable<float> net_;
    fovea::trainer fit_;
    fovea::checkpoint_files files_;
    std::int64_t last_saved_ = -1;
    std::uint64_t best_epoch_ = 0;
    std::optional<double> best_;
};

} // namespace programs
