// The options of pretrain and fine_tune.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "common/loss_record.hpp"
#include "common/program.hpp"
#include "fovea/distributed/process_place.hpp"
#include "fovea/fovea.hpp"
#include "fovea/trainer/run_settings.hpp"

namespace programs {

// Returns a number as text for a checkpoint, exact enough for small learning rates.
std::string setting_of(double value);

struct training_options {
    // Data.
    std::string train_images_path = "dataset/train", low_images_path, test_images_path = "dataset/test";
    bool test_images_given = false; // given on the command line: the folder must exist then
    std::string augmentation = "recipe", degradation = "recipe", colour_space = "rgb";
    int num_dataset_processes = 4, target_resolution = 256, samples_per_epoch = 0, cache_megabytes = 1024;
    float brightness_jitter = 0.1f, contrast_jitter = 0.1f, saturation_jitter = 0.1f, hue_jitter = 0.1f;
    double validation_share = 0;

    // The network.
    std::string recipe = "fovea", network = "supercool", base_upscaler = "bicubic", weights;
    int upscale_ratio = 4, num_channels = 128, hidden_ratio = 2, num_layers = 16;
    std::optional<fovea::zoo::architecture> base; // of a model that is trained further

    // The optimizer.
    std::string optimizer = "adafactor", loss = "l2", schedule = "constant";
    int batch_size = 32, gradient_accumulation_steps = 4, num_epochs = 400;
    double learning_rate = 1e-2, rms_decay = -0.8, tv_penalty = 0.5, max_gradient_norm = 1, weight_decay = 0;
    double beta1 = 0.9, beta2 = 0.999, ema_decay = 0, final_rate = 0.01, initial_gain = 1;
    std::int64_t warmup_steps = 0, max_steps = 0;
    bool low_memory_optimizer = false;
    std::string precision = "float32";

    // The run.
    int eval_interval = 5, checkpoint_interval = 10, keep_checkpoints = 3, patience = 0;
    double max_minutes = 0;
    std::string checkpoint_path = "checkpoints/checkpoint", run_dir_path = "runs/pretrain";
    bool resume = false, resume_if_any = false; // if_any: resumes if there is a checkpoint, else starts anew
    bool reset = false;                         // moves the files of an earlier run out of the way
    int gradient_norm_interval = 100;
    int critic_warmup_epochs = 0; // epochs at the start in which only the critic learns
    fovea::run_settings more_settings;
    common_options common;

    // Training in several processes.
    fovea::process_place place; // place of this process, from the environment
    double process_deadline = 600;
    int gpu = -1; // -1: the process's number on its machine

    void add_to(CLI::App& app);         // all options except
    void add_network_to(CLI::App& app); // those that describe the network
    // Takes network and initial weights from a weight file or from the checkpoints of a run; colours_too: also the
    // colour space.
    void take_base(const std::string& path, bool colours_too);
    // Fills in the values of the recipe for options that are not on the command line. Throws if options contradict each
    // other.
    void complete(const CLI::App& app);
    void take_recipe(const CLI::App& app);
    void check_together() const;
    // Returns a line about the chosen recipe that its user may want to know, or an empty text.
    std::string remark() const;

    fovea::zoo::architecture architecture() const;
    fovea::sample_options samples() const;
    fovea::any_optimizer make_optimizer() const;
    // record: keeps the terms of the loss separately; null: nothing is recorded.
    fovea::loss_function make_loss(std::shared_ptr<loss_record> record = std::make_shared<loss_record>()) const;
    fovea::trainer_options trainer(std::int64_t steps) const; // steps: length of the run
    // The options on which the result of the run depends.
    fovea::run_settings settings() const;
    // The options that must be equal in all processes: those, and the intervals of evaluations and checkpoints.
    fovea::run_settings shared_settings() const;

  private:
    std::string resume_how_; // value of --resume: empty or "auto"
};

} // namespace programs
