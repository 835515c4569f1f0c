// Recognises the network of a weight file, and its sizes, by the names and shapes of its tensors.
#pragma once
#include <optional>
#include <string>

#include "fovea/core/expected.hpp"
#include "fovea/io/weights/read_weights.hpp"
#include "fovea/ops/kernel.hpp"
#include "fovea/ops/pixels.hpp"

namespace fovea::zoo {

// The kinds of networks that are recognised.
enum class family { vapsr, supercool, realesr_compact, critic };

// What is recognised of a network: its family and its sizes.
struct architecture {
    zoo::family family = family::vapsr;
    int scale = 1;
    int channels = 0;                              // channels between blocks
    int hidden = 0;                                // channels inside a block; SuperCool: channels * hidden ratio
    int depth = 0;                                 // number of blocks
    int kernel = 1;                                // kernel of VapSR's first projection
    int body_groups = 1;                           // groups of VapSR's conv_body
    interpolation filter = interpolation::bicubic; // interpolation of SuperCool's skip
    value_range range{};                           // values of black and white in training
    colour_space colours = colour_space::rgb;      // colour space in training
};

// Returns vapsr, supercool, realesr_compact or critic.
inline std::string name_of(family f) {
    constexpr const char* names[] = {"vapsr", "supercool", "realesr_compact", "critic"};
    return names[std::size_t(f)];
}

// Returns a text such as "supercool x4, 64 channels, hidden 128, 16 blocks, bicubic skip, values [0,1]".
inline std::string describe(const architecture& a) {
    std::string text = name_of(a.family);
    if (a.family == family::critic) return text + text_of(", ", a.depth, " blocks");
    text += text_of(" x", a.scale, ", ", a.channels, " channels");
    if (a.hidden) text += text_of(", hidden ", a.hidden);
    text += text_of(", ", a.depth, a.family == family::realesr_compact ? " convolutions" : " blocks");
    if (a.family == family::vapsr) text += text_of(", kernel ", a.kernel, ", body groups ", a.body_groups);
    if (a.family == family::supercool)
        text += a.filter == interpolation::bicubic ? ", bicubic skip" : ", bilinear skip";
    text += a.range == value_range{} ? ", values [0,1]" : ", values [-1,1]";
    return a.colours == colour_space::rgb ? text : text + " in " + fovea::name_of(a.colours);
}

namespace detail {

// Returns the size of an axis of a 4-dimensional tensor; 0 if there is no such tensor.
inline int axis_of(const tensor_file& f, const std::string& name, std::size_t axis) {
    const stored_tensor* t = f.find(name);
    return t && t->shape.size() == 4 && t->shape[axis] > 0 && t->shape[axis] < (1 << 20) ? int(t->shape[axis]) : 0;
}
// axis_of() for a weight that may have weight normalisation.
inline int weight_axis(const tensor_file& f, const std::string& layer, std::size_t axis) {
    const int folded = axis_of(f, layer + ".weight", axis);
    return folded ? folded : axis_of(f, layer + ".weight_v", axis);
}
// Returns how many of "0", "1", ... exist without a gap.
template <class F> int count_while(F exists) {
    int n = 0;
    while (exists(std::to_string(n))) ++n;
    return n;
}
inline int root_of_third(int channels) { // r with channels = 3 r r; 0: there is none
    for (int r = 1; 3 * r * r <= channels; ++r)
        if (3 * r * r == channels) return r;
    return 0;
}

inline std::string text_value(const tensor_file& f, std::string_view metadata, std::string_view value) {
    if (auto m = f.metadata.find(std::string(metadata)); m != f.metadata.end()) return m->second;
    auto* v = f.find_value<std::string>(value);
    return v ? *v : std::string{};
}

inline architecture recognise_vapsr(const tensor_file& f) {
    architecture a{.family = family::vapsr};
    a.channels = axis_of(f, "conv_first.weight", 0);
    a.hidden = axis_of(f, "body.0.proj_1.weight", 0);
    a.kernel = axis_of(f, "body.0.proj_1.weight", 2);
    a.depth = count_while([&](const std::string& i) { return f.find("body." + i + ".proj_1.weight"); });
    const int per_group = axis_of(f, "conv_body.weight", 1);
    a.body_groups = per_group ? a.channels / per_group : 1;
    a.scale = f.find("upsampler.3.weight") ? 4 : root_of_third(axis_of(f, "upsampler.2.weight", 0));
    if (a.kernel == 3) a.range = {-1, 1};
    return a;
}

inline architecture recognise_supercool(const tensor_file& f, const tensor_file& settings) {
    architecture a{.family = family::supercool};
    a.channels = weight_axis(f, "input", 0);
    a.hidden = weight_axis(f, "encoder.0.conv1", 0);
    a.depth = count_while([&](const std::string& i) { return weight_axis(f, "encoder." + i + ".conv1", 0); });
    if (a.depth == 0) a.hidden = a.channels;
    a.scale = root_of_third(weight_axis(f, "decoder.conv", 0));
    if (text_value(settings, "base_upscaler", "model_args.base_upscaler") == "bilinear")
        a.filter = interpolation::bilinear;
    return a;
}

inline architecture recognise_realesr(const tensor_file& f) {
    architecture a{.family = family::realesr_compact};
    a.channels = axis_of(f, "body.0.weight", 0);
    const int layers = count_while([&](const std::string& i) { return f.find("body." + i + ".weight"); });
    a.depth = (layers - 3) / 2; // convolution, PReLU, depth times both, convolution
    a.scale = root_of_third(axis_of(f, "body." + std::to_string(layers - 1) + ".weight", 0));
    return a;
}

// Recognises a network by its own tensor names; returns nothing if it is unknown.
inline std::optional<architecture> recognise_names(const tensor_file& f, const tensor_file& settings) {
    if (f.find("conv_first.weight") && f.find("body.0.proj_1.weight")) return recognise_vapsr(f);
    if (weight_axis(f, "input", 0) && weight_axis(f, "decoder.conv", 0)) return recognise_supercool(f, settings);
    if (f.find("body.0.weight") && f.find("body.1.weight") && f.find("body.2.weight")) return recognise_realesr(f);
    if (!f.find("detector.0.residual.0.weight") || !f.find("linear.weight")) return std::nullopt;
    architecture critic{.family = family::critic};
    critic.depth = count_while([&](const std::string& i) { return f.find("detector." + i + ".residual.0.weight"); });
    return critic;
}

// Tries the tensor names as they are, then every dictionary and prefix.
inline std::optional<architecture> find_architecture(const tensor_file& f) {
    if (const auto a = recognise_names(f, f)) return a;
    std::optional<architecture> found;
    for (const bool critic : {false, true}) {
        const auto fits = [&](const tensor_file& outline) {
            found = recognise_names(outline, f);
            return found && (found->family == family::critic) == critic && (critic || found->scale > 0);
        };
        if (fovea::detail::find_group(f, fits)) return found;
    }
    return std::nullopt;
}

// Reads the settings in the file's metadata. Returns the problem with them, or an empty text.
inline std::string take_settings(architecture& a, const tensor_file& f) {
    const std::string filter = text_value(f, "base_upscaler", "model_args.base_upscaler");
    if (a.family == family::supercool && !filter.empty() && filter != "bicubic" && filter != "bilinear")
        return "base_upscaler is " + filter + ": expected bicubic or bilinear";
    const std::string range = text_value(f, "range", "range");
    if (!range.empty() && range != "[0,1]" && range != "[-1,1]")
        return "range is " + range + ": expected [0,1] or [-1,1]";
    if (!range.empty()) a.range = range == "[0,1]" ? value_range{0, 1} : value_range{-1, 1};
    const std::string colours = text_value(f, "colour_space", "colour_space");
    for (const auto space : {colour_space::rgb, colour_space::yuv, colour_space::oklab})
        if (colours == fovea::name_of(space)) {
            a.colours = space;
            return {};
        }
    return colours.empty() ? "" : "colour space '" + colours + "': expected rgb, yuv or oklab";
}

} // namespace detail

// Returns the network in a file, under any dictionary and prefix (weights_of()); an error if it is unknown.
inline expected<architecture> try_recognise(const tensor_file& f) {
    auto a = detail::find_architecture(f);
    if (!a)
        return failure(f.source,
                       ": its tensors are of no known network: expected VapSR, SuperCool or Real-ESRGAN's compact "
                       "network; it has ",
                       fovea::detail::contents_of(f));
    if (const std::string problem = detail::take_settings(*a, f); !problem.empty())
        return failure(f.source, ": ", problem);
    return *a;
}
inline architecture recognise(const tensor_file& f) { return try_recognise(f).value(); }

} // namespace fovea::zoo
