#include "common/enlarger.hpp"

#include "common/calibration.hpp"
#include "common/on_gpu.hpp"
#include "common/program.hpp"
#include "fovea/backend/cpu/cpu.hpp"
#include "fovea/model/self_ensemble.hpp"
#include "fovea/trainer/checkpoints.hpp"
#include "fovea/zoo/load.hpp"
#include "fovea/zoo/pretrained.hpp"

namespace programs {

namespace {

fovea::convolution_method method_of(const std::string& name) {
    using enum fovea::convolution_method;
    return name == "direct" ? direct : name == "winograd" ? winograd : automatic;
}

std::unique_ptr<fovea::upscaler> load_network(const model_choice& choice, const fovea::tensor_file& weights,
                                              const std::string& name, fovea::context& threads) {
    const auto precision = precision_of(choice.precision);
    fovea::model_options o{.threads = &threads, .convolution = method_of(choice.convolution)};
    if (choice.device == "cuda") {
        o.precision = precision;
        if (choice.gpu >= 0) choose_gpu(choice.gpu, {});
        return load_on_gpu(weights, o);
    }
    fovea::activation_ranges ranges;
    if (precision == fovea::precision_kind::int8) {
        auto exact = fovea::zoo::load<fovea::cpu>(weights, o);
        ranges = ranges_from(choice.calibration, exact, name);
        o.ranges = &ranges;
    }
    o.precision = precision;
    return std::make_unique<fovea::upscaler>(fovea::zoo::load<fovea::cpu>(weights, o));
}

void check_precision(const model_choice& choice) {
    const bool int8 = choice.precision == "int8";
    if (choice.is_interpolation() && choice.precision != "float32")
        fail_usage("--precision ", choice.precision, ": --model ", choice.model, " is no network");
    if (int8 && choice.calibration.empty())
        fail_usage("--precision int8: expected --calibration with a folder of images or a file of ranges");
    if (!int8 && !choice.calibration.empty())
        fail_usage("--calibration ", choice.calibration, ": expected --precision int8 with it");
}

fovea::image interpolate(const fovea::image& in, const std::string& how, fovea::extent size) {
    using namespace fovea;
    if (how == "bicubic") return resize_pillow(in, size.height, size.width);
    const auto kind = how == "bilinear" ? interpolation::bilinear : interpolation::nearest;
    const image large = resize_framework(with_type(in, sample_type::f32), size.height, size.width, kind);
    return with_type(large, in.type());
}

} // namespace

int built_in_scale_for(double ratio) { return ratio <= 2 ? 2 : ratio <= 4 ? 4 : 8; }

namespace {

bool is_pretrained(int scale) { return scale == 2 || scale == 4 || scale == 8; }

fovea::tensor_file pretrained_weights(int scale) {
    return scale == 2   ? fovea::zoo::pretrained_weights<2>()
           : scale == 4 ? fovea::zoo::pretrained_weights<4>()
                        : fovea::zoo::pretrained_weights<8>();
}

} // namespace

void model_choice::add_to(CLI::App& app) {
    app.add_option("--weights,--checkpoint-path,--checkpoint_path", weights,
                   "weights of a network: .safetensors, .pth, .pt, or the --checkpoint-path of a training run; the "
                   "network is recognised");
    app.add_option("--model", model,
                   "auto (what --weights holds, else pretrained), pretrained, bicubic, bilinear or nearest");
    app.add_option("--convolution", convolution, "3x3 convolutions: auto, direct or winograd (fewer products)")
        ->check(CLI::IsMember({"auto", "direct", "winograd"}));
    app.add_option("--precision", precision,
                   "float32; int8: inner convolutions in 8 bits; bf16 or fp16: activations kept in 16 bits, with fp16 "
                   "also products where a CPU has AVX512-FP16; tf32: of a GPU, products of rounded numbers")
        ->check(CLI::IsMember({"float32", "int8", "bf16", "fp16", "tf32"}));
    app.add_option("--calibration", calibration,
                   "for int8: a folder of images like those to be enlarged, or what `calibrate` wrote");
    app.add_flag("--tta", tta,
                 "the mean of what the network makes of the eight orientations of an image: eight times the work, a "
                 "little more accurate");
}

fovea::precision_kind precision_of(const std::string& name) {
    using enum fovea::precision_kind;
    for (auto kind : {int8, bfloat16, float16, tensor_float32})
        if (name == fovea::name_of(kind)) return kind;
    return float32;
}

std::vector<std::pair<std::string, std::string>> list_models() {
    return {{"auto",
             "the network that --weights holds: VapSR, SuperCool, Real-ESRGAN's compact network; without, pretrained"},
            {"pretrained", "a network that is built in; --scale 2, 4 or 8"},
            {"bicubic", "interpolation, antialiased cubic (a = -0.5); --scale"},
            {"bilinear", "interpolation between two pixels on each axis; --scale"},
            {"nearest", "repeated pixels; --scale"}};
}

enlarger::enlarger(const model_choice& choice, fovea::context& threads) {
    check_precision(choice);
    if (choice.tta && choice.is_interpolation()) fail_usage("--tta: --model ", choice.model, " is no network");
    tta_ = choice.tta;
    const bool automatic = choice.model.empty() || choice.model == "auto" || choice.model == "pretrained";
    if (choice.is_interpolation()) {
        if (!choice.weights.empty())
            fail_usage("--weights ", choice.weights, ": --model ", choice.model, " has no weights");
        if (choice.device == "cuda")
            fail_usage("--device cuda: --model ", choice.model, " is computed on the cpu: expected cpu");
        interpolation_ = description_ = choice.model;
        scale_ = choice.scale ? choice.scale : 2;
        return;
    }
    if (!automatic)
        fail_usage("--model ", choice.model,
                   ": expected auto, pretrained, bicubic, bilinear or nearest (see --list-models)");
    const bool built_in = choice.weights.empty();
    const int built_in_scale = choice.scale ? choice.scale : 2;
    if (choice.model == "pretrained" && !built_in)
        fail_usage("--weights ", choice.weights, ": --model pretrained has weights of its own");
    if (built_in && !is_pretrained(built_in_scale))
        fail_usage("--scale ", built_in_scale,
                   ": the networks that are built in have 2, 4 and 8: expected one of these, ",
                   "--weights FILE, or --model bicubic");
    const auto weights = built_in ? pretrained_weights(built_in_scale)
                                  : fovea::weights_of(fovea::read_tensor_file(fovea::weights_at(choice.weights)));
    description_ = (built_in ? "built in: " : "") + fovea::zoo::describe(fovea::zoo::recognise(weights));
    network_ = load_network(choice, weights, description_, threads);
    on_gpu_ = choice.device == "cuda";
    if (choice.precision != "float32") description_ += ", " + choice.precision;
    if (on_gpu_) description_ += ", on the GPU";
    if (tta_) description_ += ", eight orientations";
    scale_ = network_->scale().num;
    if (choice.scale && choice.scale != scale_)
        fovea::fail(choice.weights, ": enlarges ", scale_, " times: expected --scale ", scale_, ", got ", choice.scale);
}

fovea::image enlarger::operator()(const fovea::image& in, const fovea::run_options& o) {
    submit(in, o);
    return result();
}

void enlarger::submit(const fovea::image& in, const fovea::run_options& o, std::optional<fovea::extent> size) {
    if (!network_)
        finished_ =
            interpolate(in, interpolation_, size.value_or(fovea::extent{in.height() * scale_, in.width() * scale_}));
    else if (tta_)
        finished_ = fovea::self_ensemble(*network_, in, o);
    else
        network_->submit(in, o);
    sizes_.push_back(size);
}

fovea::image enlarger::result() {
    fovea::image large = network_ && !tta_ ? network_->result() : std::move(finished_);
    const auto size = sizes_.front();
    sizes_.pop_front();
    if (!size || large.empty() || (size->height == large.height() && size->width == large.width())) return large;
    return fovea::resize_pillow(large, size->height, size->width);
}

} // namespace programs
