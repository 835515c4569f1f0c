// The values of the recipes of pretrain and fine_tune for options that are not on the command line.
#include <cstdlib>

#include "common/on_gpu.hpp"
#include "common/training_options.hpp"

namespace programs {

using namespace fovea;

void training_options::complete(const CLI::App& app) {
    place = place_of_process([](const char* name) -> const char* { return std::getenv(name); });
    if (common.device == "cuda") choose_gpu(gpu, place);
    test_images_given = app.count("--test-images-path") > 0;
    resume = app.count("--resume") > 0, resume_if_any = resume_how_ == "auto";
    take_recipe(app);
    check_together();
}

void training_options::take_recipe(const CLI::App& app) {
    const auto preset = [&](const char* option, auto& value, auto preset_value) {
        const CLI::Option* given = app.get_option_no_throw(option); // null: the base model determines it
        if (given && given->count() == 0) value = preset_value;
    };
    if (recipe == "vapsr") {
        preset("--network", network, "vapsr-3x3"), preset("--upscale-ratio", upscale_ratio, 2);
        preset("--num-layers", num_layers, 20), preset("--optimizer", optimizer, "adamw"), preset("--loss", loss, "l1");
        preset("--learning-rate", learning_rate, 8e-4), preset("--warmup-steps", warmup_steps, 1000);
        preset("--beta2", beta2, 0.99), preset("--weight-decay", weight_decay, 0.005);
        preset("--max-gradient-norm", max_gradient_norm, 5.),
            preset("--gradient-accumulation-steps", gradient_accumulation_steps, 2);
        preset("--tv-penalty", tv_penalty, 0.), preset("--validation-share", validation_share, 0.05);
        preset("--eval-interval", eval_interval, 1), preset("--patience", patience, 200);
    }
    if (recipe == "benchmark" || recipe == "fovea") {
        preset("--augmentation", augmentation, "dihedral"), preset("--degradation", degradation, "matlab");
        preset("--optimizer", optimizer, "adam"), preset("--loss", loss, "l1"),
            preset("--schedule", schedule, "cosine");
        preset("--learning-rate", learning_rate, 1e-3), preset("--tv-penalty", tv_penalty, 0.);
        preset("--gradient-accumulation-steps", gradient_accumulation_steps, 1),
            preset("--ema-decay", ema_decay, 0.999);
        if (recipe == "benchmark")
            preset("--target-resolution", target_resolution, 48 * upscale_ratio),
                preset("--batch-size", batch_size, 16);
    }
    if (recipe == "fovea") { // the recipe of docs/pretrained.md, for a few minutes
        preset("--num-channels", num_channels, 32), preset("--hidden-ratio", hidden_ratio, 1);
        preset("--num-layers", num_layers, 8), preset("--learning-rate", learning_rate, 2e-3);
        preset("--beta2", beta2, 0.99), preset("--warmup-steps", warmup_steps, 100),
            preset("--ema-decay", ema_decay, 0.99);
        preset("--target-resolution", target_resolution, 32 * upscale_ratio), preset("--batch-size", batch_size, 8);
        preset("--samples-per-epoch", samples_per_epoch, 800), preset("--num-epochs", num_epochs, 40);
    }
    preset("--initial-gain", initial_gain, network == "supercool" ? 2. : 1.);
}

std::string training_options::remark() const {
    if (recipe != "supercool" || tv_penalty == 0) return {};
    return "recipe supercool: --tv-penalty " + setting_of(tv_penalty) +
           " keeps x2 below bicubic interpolation for its first thousand steps; --recipe fovea has no such penalty";
}

void training_options::check_together() const {
    if (resume && reset) fail_usage("--reset: --resume is given, too: expected one of them");
    if (target_resolution % upscale_ratio != 0)
        fail_usage("--target-resolution ", target_resolution, ": expected a multiple of --upscale-ratio ",
                   upscale_ratio);
    if (batch_size % place.size != 0)
        fail_usage("--batch-size ", batch_size, ": expected a multiple of the ", place.size, " processes");
    if (gpu >= 0 && common.device != "cuda") fail_usage("--gpu ", gpu, ": expected --device cuda");
    if (low_memory_optimizer && optimizer != "adafactor")
        fail_usage("--low-memory-optimizer: --optimizer ", optimizer, " has no such mode: expected adafactor");
    const sample_options s = samples();
    const bool paired = !low_images_path.empty() || s.degradation == degradation_kind::matlab;
    if (const std::string reason = reason_of_failure([&] { fovea::check(s, paired); }); !reason.empty())
        fail_usage(low_images_path.empty() ? "--degradation " + degradation : "--low-images-path " + low_images_path,
                   ": recipe ", recipe, " varies images in ways that no low-resolution partner follows (", reason,
                   "): expected --augmentation dihedral, which varies both alike");
    if (base) return;
    if (network == "supercool" && upscale_ratio == 3) fail_usage("--upscale-ratio 3: supercool has 2, 4 and 8");
    if (network != "supercool" && upscale_ratio == 8) fail_usage("--upscale-ratio 8: vapsr has 2, 3 and 4");
}

} // namespace programs
