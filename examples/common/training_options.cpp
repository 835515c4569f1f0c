#include "common/training_options.hpp"

namespace programs {

using namespace fovea;

namespace {

CLI::IsMember one_of(std::vector<std::string> names) { return CLI::IsMember(std::move(names)); }

// Returns a function that adds an option with its default to an application.
auto adder(CLI::App& app) {
    return [&app](const char* name, auto& value, const char* what) {
        return app.add_option(both_spellings(name), value, what)->capture_default_str();
    };
}

} // namespace

std::string setting_of(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.7g", value);
    return text;
}

void training_options::add_network_to(CLI::App& app) {
    const auto add = adder(app);
    add("--network", network, "supercool, vapsr (48 channels) or vapsr-3x3 (64)")
        ->check(one_of({"supercool", "vapsr", "vapsr-3x3"}));
    add("--upscale-ratio", upscale_ratio, "magnification")->check(one_of({"2", "3", "4", "8"}));
    add("--base-upscaler", base_upscaler, "bicubic or bilinear, of supercool")->check(one_of({"bicubic", "bilinear"}));
    add("--num-channels", num_channels, "of supercool")
        ->check(CLI::IsMember({8, 16, 24, 32, 48, 64, 96, 128, 192, 256}));
    add("--hidden-ratio", hidden_ratio, "of supercool: 1, 2 or 4")->check(one_of({"1", "2", "4"}));
    add("--num-layers", num_layers, "blocks")->check(CLI::Range(0, 1000));
    add("--initial-gain", initial_gain,
        "of random initial convolutions, times Kaiming's deviation; default: 2 for supercool, whose branches start "
        "small, else 1")
        ->check(CLI::Range(0., 10.));
    add("--weights", weights, "weights to start from, of the same network");
}

void training_options::add_to(CLI::App& app) {
    const auto add = adder(app);
    const auto flag = [&](const char* name, bool& value, const char* what) {
        app.add_flag(both_spellings(name), value, what);
    };

    add("--recipe", recipe,
        "defaults of all other options: fovea (a small network that learns on a CPU within ten minutes), supercool, "
        "vapsr, or benchmark (as fovea L1, Adam, cosine, crops in eight orientations, MATLAB's bicubic; larger)")
        ->check(one_of({"fovea", "supercool", "vapsr", "benchmark"}));
    add("--train-images-path", train_images_path, "folder of images to train on, with its subfolders");
    add("--low-images-path", low_images_path,
        "folder of their low-resolution partners; else they are made. Recipe "
        "supercool needs --augmentation dihedral for it");
    add("--test-images-path", test_images_path, "folder of images to evaluate on, read before the first step");
    add("--validation-share", validation_share, "share of the training images that is kept for evaluation instead")
        ->check(CLI::Range(0., 0.9));
    add("--num-dataset-processes", num_dataset_processes, "threads that prepare data")->check(CLI::Range(1, 1024));
    add("--cache-megabytes", cache_megabytes, "memory for decoded images, of each process")
        ->check(CLI::Range(0, 1 << 20));
    add("--samples-per-epoch", samples_per_epoch, "0: every image once")->check(CLI::Range(0, 1 << 30));
    add("--target-resolution", target_resolution, "side of a training part, in pixels of the high resolution")
        ->check(CLI::Range(8, 4096));
    add("--augmentation", augmentation, "recipe, or crops in eight orientations: dihedral")
        ->check(one_of({"recipe", "dihedral"}));
    add("--degradation", degradation, "how low resolution is made: recipe, matlab or antialias")
        ->check(one_of({"recipe", "matlab", "antialias"}));
    add("--colour-space", colour_space, "rgb, yuv or oklab")->check(one_of({"rgb", "yuv", "oklab"}));
    add("--brightness-jitter", brightness_jitter, "of recipe supercool")->check(CLI::Range(0., 10.));
    add("--contrast-jitter", contrast_jitter, "of recipe supercool")->check(CLI::Range(0., 10.));
    add("--saturation-jitter", saturation_jitter, "of recipe supercool")->check(CLI::Range(0., 10.));
    add("--hue-jitter", hue_jitter, "of recipe supercool")->check(CLI::Range(0., 0.5));

    add("--optimizer", optimizer, "adafactor, adam, adamw or sgd")
        ->check(one_of({"adafactor", "adam", "adamw", "sgd"}));
    add("--loss", loss, "l1, l2 or charbonnier")->check(one_of({"l1", "l2", "charbonnier"}));
    add("--schedule", schedule, "of the learning rate: constant or cosine")->check(one_of({"constant", "cosine"}));
    add("--batch-size", batch_size, "images of a micro-batch, of all processes together")
        ->check(CLI::Range(1, 1 << 20));
    add("--gradient-accumulation-steps", gradient_accumulation_steps, "micro-batches of a step")
        ->check(CLI::Range(1, 1 << 20));
    add("--num-epochs", num_epochs, "passes over the images")->check(CLI::Range(1, 1 << 30));
    add("--max-steps", max_steps, "ends the run after so many steps instead; 0: no")->check(CLI::Range(0, 1 << 30));
    add("--learning-rate", learning_rate, "")->check(CLI::PositiveNumber);
    add("--warmup-steps", warmup_steps, "steps over which the learning rate rises")->check(CLI::NonNegativeNumber);
    add("--final-rate", final_rate, "of schedule cosine, as a share of the learning rate")->check(CLI::Range(0., 1.));
    add("--rms-decay", rms_decay, "of adafactor: beta2 = 1 - t^rms_decay")->check(CLI::Range(-10., 0.));
    add("--beta1", beta1, "of adam and adamw; of sgd the momentum")->check(CLI::Range(0., 1.));
    add("--beta2", beta2, "of adam and adamw")->check(CLI::Range(0., 1.));
    add("--weight-decay", weight_decay, "")->check(CLI::NonNegativeNumber);
    add("--tv-penalty", tv_penalty, "weight of the total variation of the output")->check(CLI::NonNegativeNumber);
    add("--max-gradient-norm", max_gradient_norm, "0: gradients are not clipped")->check(CLI::NonNegativeNumber);
    add("--ema-decay", ema_decay, "of the moving average of weights, which is what is evaluated; 0: none")
        ->check(CLI::Range(0., 1.));
    add("--precision", precision,
        "of what is kept from the forward to the backward pass: float32, or bf16 or fp16 with less memory; on a GPU of "
        "all activations and their gradients, weights staying float32")
        ->check(one_of({"float32", "bf16", "fp16"}));
    flag("--low-memory-optimizer", low_memory_optimizer, "of adafactor: no memory for a step, the same result");

    add("--eval-interval", eval_interval, "epochs between evaluations")->check(CLI::Range(1, 1 << 30));
    add("--checkpoint-interval", checkpoint_interval, "epochs between checkpoints")->check(CLI::Range(1, 1 << 30));
    add("--keep-checkpoints", keep_checkpoints, "how many of the last ones stay: 2 or more, as one may be damaged")
        ->check(CLI::Range(2, 1 << 20));
    add("--checkpoint-path", checkpoint_path, "PATH.step-N.safetensors and PATH.best.safetensors are written");
    add("--run-dir-path", run_dir_path, "folder of TensorBoard's files; empty: none");
    add("--gradient-norm-interval", gradient_norm_interval,
        "steps between the gradient norms of single tensors there; 0: none")
        ->check(CLI::NonNegativeNumber);
    add("--patience", patience, "ends the run after so many epochs without improvement; 0: no")
        ->check(CLI::NonNegativeNumber);
    add("--max-minutes", max_minutes, "saves and ends after this time, to be resumed; 0: no")
        ->check(CLI::NonNegativeNumber);
    app.add_option("--resume", resume_how_,
                   "goes on from the last checkpoint that is whole; --resume auto: begins where there is none")
        ->expected(0, 1)
        ->check([](const std::string& how) {
            return how.empty() || how == "auto" ? std::string() : "'" + how + "': expected auto, or nothing";
        });
    flag("--reset", reset, "begins anew: files of an earlier run become PATH.before-1.step-N.safetensors and so on");
    common.add_to(app);
    add("--gpu", gpu, "number of the GPU; -1: that of the process on its machine")->check(CLI::Range(-1, 1 << 10));
    add("--process-deadline", process_deadline, "seconds that one of several processes waits for another")
        ->check(CLI::Range(1., 1e6));
    app.footer(
        "Several processes train together, each on its share of every batch, where torchrun, srun or mpirun starts\n"
        "them, or whoever sets RANK and WORLD_SIZE (on several machines also LOCAL_RANK); MASTER_ADDR and\n"
        "MASTER_PORT say where process 0 waits for the others. Give all the same options.");
}

void training_options::take_base(const std::string& path, bool colours_too) {
    weights = weights_at(path).string();
    const tensor_file file = fovea::weights_of(read_tensor_file(weights));
    base = zoo::recognise(file);
    if (base->family == zoo::family::critic) fail(weights, ": holds a critic: expected a network that enlarges images");
    upscale_ratio = base->scale;
    if (colours_too) colour_space = name_of(base->colours);
    base->colours = colour_space_of(colour_space);
}

zoo::architecture training_options::architecture() const {
    if (base) return *base;
    zoo::architecture a{.scale = upscale_ratio, .depth = num_layers};
    if (network == "supercool") {
        a.family = zoo::family::supercool, a.channels = num_channels, a.hidden = num_channels * hidden_ratio;
        a.filter = base_upscaler == "bilinear" ? interpolation::bilinear : interpolation::bicubic;
    } else if (network == "vapsr") {
        a.channels = 48, a.hidden = 64;
    } else
        a.channels = 64, a.hidden = 48, a.kernel = 3, a.range = {-1, 1};
    a.colours = colour_space_of(colour_space);
    return a;
}

sample_options training_options::samples() const {
    sample_options s{.scale = upscale_ratio, .colours = colour_space_of(colour_space)};
    const bool plain = recipe == "benchmark" || recipe == "fovea";
    const bool matlab = degradation == "matlab" || (degradation == "recipe" && plain);
    s.degradation = matlab ? degradation_kind::matlab : degradation_kind::antialias;
    s.augment = augmentation == "dihedral" || plain ? dihedral_augmentation
                : recipe == "vapsr"                 ? vapsr_augmentation
                                                    : supercool_augmentation;
    s.augment.size = target_resolution;
    if (s.augment.jitter != jitter_options{})
        s.augment.jitter = {brightness_jitter, contrast_jitter, saturation_jitter, hue_jitter};
    return s;
}

any_optimizer training_options::make_optimizer() const {
    const adam_options a{.beta1 = beta1, .beta2 = beta2, .weight_decay = weight_decay};
    if (optimizer == "adam") return adam(a);
    if (optimizer == "adamw") return adamw(a);
    if (optimizer == "sgd") return sgd({.momentum = beta1, .weight_decay = weight_decay});
    return adafactor({.beta2_decay = rms_decay, .weight_decay = weight_decay, .low_memory = low_memory_optimizer});
}

loss_function training_options::make_loss(std::shared_ptr<loss_record> record) const {
    const auto with_variation = [&](auto pixels) -> loss_function {
        return recorded_loss<decltype(pixels)>{pixels, loss, tv_penalty, std::move(record)};
    };
    if (loss == "l1") return with_variation(l1_loss{});
    if (loss == "charbonnier") return with_variation(charbonnier_loss{});
    return with_variation(l2_loss{});
}

trainer_options training_options::trainer(std::int64_t steps) const {
    return {.rate = {.base = learning_rate,
                     .how = schedule == "cosine" ? learning_rate::decay::cosine : learning_rate::decay::constant,
                     .warmup = warmup_steps,
                     .total = steps,
                     .final = final_rate},
            .max_gradient_norm = max_gradient_norm,
            .accumulation = gradient_accumulation_steps,
            .ema_decay = ema_decay};
}

run_settings training_options::settings() const {
    run_settings all;
    const auto add = [&]<class T>(const char* name, const T& value) {
        if constexpr (std::is_floating_point_v<T>)
            all.emplace_back(name, setting_of(double(value)));
        else
            all.emplace_back(name, text_of(value));
    };
    add("recipe", recipe), add("augmentation", augmentation), add("degradation", degradation);
    add("colour-space", colour_space), add("target-resolution", target_resolution),
        add("samples-per-epoch", samples_per_epoch);
    add("validation-share", validation_share), add("brightness-jitter", brightness_jitter),
        add("contrast-jitter", contrast_jitter);
    add("saturation-jitter", saturation_jitter), add("hue-jitter", hue_jitter);
    if (base)
        add("base-model", zoo::describe(*base));
    else {
        add("network", network), add("base-upscaler", base_upscaler), add("upscale-ratio", upscale_ratio);
        add("num-channels", num_channels), add("hidden-ratio", hidden_ratio), add("num-layers", num_layers);
    }
    add("optimizer", optimizer), add("loss", loss);
    add("schedule", schedule), add("batch-size", batch_size),
        add("gradient-accumulation-steps", gradient_accumulation_steps);
    add("learning-rate", learning_rate), add("rms-decay", rms_decay), add("beta1", beta1), add("beta2", beta2);
    add("weight-decay", weight_decay), add("tv-penalty", tv_penalty), add("max-gradient-norm", max_gradient_norm);
    add("initial-gain", initial_gain), add("ema-decay", ema_decay), add("final-rate", final_rate),
        add("warmup-steps", warmup_steps), add("seed", common.seed);
    if (schedule == "cosine") add("num-epochs", num_epochs), add("max-steps", max_steps);
    if (precision != "float32") add("precision", precision);
    all.insert(all.end(), more_settings.begin(), more_settings.end());
    return all;
}

run_settings training_options::shared_settings() const {
    run_settings all = settings();
    const auto add = [&](const char* name, const auto& value) {
        if (std::ranges::find(all, name, &run_settings::value_type::first) == all.end())
            all.emplace_back(name, text_of(value));
    };
    add("num-epochs", num_epochs), add("max-steps", max_steps), add("patience", patience);
    add("eval-interval", eval_interval), add("checkpoint-interval", checkpoint_interval);
    add("resume", !resume ? "off" : resume_if_any ? "auto" : "on"), add("reset", reset ? "on" : "off");
    add("weights", weights), add("low-memory-optimizer", low_memory_optimizer ? "on" : "off");
    add("precision", precision), add("device", common.device);
    return all;
}

} // namespace programs
