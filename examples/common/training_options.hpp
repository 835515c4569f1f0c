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

// A number as checkpoints keep it, as small as learning rates are.
std::string setting_of(double value);

struct training_options {
    // Data.
    std::string train_images_path = "dataset/train", low_images_path, test_images_path = "dataset/test";
    bool test_images_given = false; // by the command line: then the folder has to be there
    std::string augmentation = "recipe", degradation = "recipe", colour_space = "rgb";
    int num_dataset_processes = 4, target_resolution = 256, samples_per_epoch = 0, cache_megabytes = 1024;
    float brightness_jitter = 0.1f, contrast_jitter = 0.1f, saturation_jitter = 0.1f, hue_jitter = 0.1f;
    double validation_share = 0;

    // The network.
    std::string recipe = "fovea", network = "supercool", base_upscaler = "bicubic", weights;
    int upscale_ratio = 4, num_channels = 128, hidden_ratio = 2, num_layers = 16;
    std::optional<fovea::zoo::architecture> base; // of a model that is trained on: in place of all these

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
    bool resume = false, resume_if_any = false; // if_any: where there is something to go on from
    bool reset = false;                         // files of an earlier run are set aside
    int gradient_norm_interval = 100;
    int critic_warmup_epochs = 0; // at the start, in which the upscaler stays as it is
    fovea::run_settings more_settings;
    common_options common;

    // Processes that train together.
    fovea::process_place place; // of this one, as the environment says
    double process_deadline = 600;
    int gpu = -1; // -1: of its number among the processes of the machine

    void add_to(CLI::App& app);         // all but
    void add_network_to(CLI::App& app); // those that say what the network is
    // The network is that of a weight file or of a run's checkpoints, and begins with these weights; `colours_too`: its
    // colour space, as well.
    void take_base(const std::string& path, bool colours_too);
    // What the recipe says where the command line says nothing. Throws when options make no sense together.
    void complete(const CLI::App& app);
    void take_recipe(const CLI::App& app);
    void check_together() const;
    // One line that whoever chose the recipe may want to know; else empty.
    std::string remark() const;

    fovea::zoo::architecture architecture() const;
    fovea::sample_options samples() const;
    fovea::any_optimizer make_optimizer() const;
    // record: what keeps the terms apart; none: nothing does.
    fovea::loss_function make_loss(std::shared_ptr<loss_record> record = std::make_shared<loss_record>()) const;
    fovea::trainer_options trainer(std::int64_t steps) const; // of a run of so many steps
    // Those that the result depends on.
    fovea::run_settings settings() const;
    // Those that processes which train together must have in common: the same, and when something is done.
    fovea::run_settings shared_settings() const;

  private:
    std::string resume_how_; // of --resume: empty, or auto
};

} // namespace programs
