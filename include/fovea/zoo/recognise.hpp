// Which network a weight file belongs to, and its sizes, from the names and shapes of its tensors.
#pragma once
#include "fovea/checkpoint/read_weights.hpp"
#include "fovea/graph/kernel.hpp"
#include "fovea/model/pixels.hpp"

namespace fovea::zoo {

enum class family { vapsr, supercool, realesr_compact, critic };

struct architecture {
    zoo::family family = family::vapsr;
    int scale = 1;
    int channels = 0;                              // between blocks
    int hidden = 0;                                // inside a block; supercool: channels * hidden ratio
    int depth = 0;                                 // blocks
    int kernel = 1;                                // of vapsr's first projection
    int body_groups = 1;                           // of vapsr's conv_body
    interpolation filter = interpolation::bicubic; // of the skip around supercool
    value_range range{};                           // of the values that the network was trained on,
    colour_space colours = colour_space::rgb;      // and what they are
};

inline std::string name_of(family f) {
    constexpr const char* names[] = {"vapsr", "supercool", "realesr_compact", "critic"};
    return names[std::size_t(f)];
}

// "supercool x4, 64 channels, hidden 128, 16 blocks, bicubic skip, values [0,1]"
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

// The size of axis `axis` of a tensor of 4 axes, else 0.
inline int axis_of(const tensor_file& f, const std::string& name, std::size_t axis) {
    const stored_tensor* t = f.find(name);
    return t && t->shape.size() == 4 && t->shape[axis] > 0 && t->shape[axis] < (1 << 20) ? int(t->shape[axis]) : 0;
}
// The same of a weight that may be weight-normed.
inline int weight_axis(const tensor_file& f, const std::string& layer, std::size_t axis) {
    const int folded = axis_of(f, layer + ".weight", axis);
    return folded ? folded : axis_of(f, layer + ".weight_v", axis);
}
// How many of before0after, before1after, ... there are.
template <class F> int count_while(F exists) {
    int n = 0;
    while (exists(std::to_string(n))) ++n;
    return n;
}
inline int root_of_third(int channels) { // r with channels = 3 r r, else 0
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

inline architecture recognise_supercool(const tensor_file& f) {
    architecture a{.family = family::supercool};
    a.channels = weight_axis(f, "input", 0);
    a.hidden = weight_axis(f, "encoder.0.conv1", 0);
    a.depth = count_while([&](const std::string& i) { return weight_axis(f, "encoder." + i + ".conv1", 0); });
    if (a.depth == 0) a.hidden = a.channels;
    a.scale = root_of_third(weight_axis(f, "decoder.conv", 0));
    const std::string filter = text_value(f, "base_upscaler", "model_args.base_upscaler");
    if (!filter.empty() && filter != "bicubic" && filter != "bilinear")
        fail(f.source, ": base_upscaler is ", filter, ": expected bicubic or bilinear");
    if (filter == "bilinear") a.filter = interpolation::bilinear;
    return a;
}

inline architecture recognise_realesr(const tensor_file& f) {
    architecture a{.family = family::realesr_compact};
    a.channels = axis_of(f, "body.0.weight", 0);
    const int layers = count_while([&](const std::string& i) { return f.find("body." + i + ".weight"); });
    a.depth = (layers - 3) / 2; // convolution, PReLU, depth times the two, convolution
    a.scale = root_of_third(axis_of(f, "body." + std::to_string(layers - 1) + ".weight", 0));
    return a;
}

} // namespace detail

// Of tensors as weights_of() gives them. Throws when they are of no network that is known here.
inline architecture recognise(const tensor_file& f) {
    architecture a;
    if (f.find("conv_first.weight") && f.find("body.0.proj_1.weight"))
        a = detail::recognise_vapsr(f);
    else if (detail::weight_axis(f, "input", 0) && detail::weight_axis(f, "decoder.conv", 0))
        a = detail::recognise_supercool(f);
    else if (f.find("body.0.weight") && f.find("body.1.weight") && f.find("body.2.weight"))
        a = detail::recognise_realesr(f);
    else if (f.find("detector.0.residual.0.weight") && f.find("linear.weight")) {
        a.family = family::critic;
        a.depth =
            detail::count_while([&](const std::string& i) { return f.find("detector." + i + ".residual.0.weight"); });
    } else
        fail(f.source,
             ": its tensors are of no known network: expected VapSR, SuperCool or Real-ESRGAN's compact network");
    const std::string range = detail::text_value(f, "range", "range");
    if (range == "[0,1]")
        a.range = {0, 1};
    else if (range == "[-1,1]")
        a.range = {-1, 1};
    else if (!range.empty())
        fail(f.source, ": range is ", range, ": expected [0,1] or [-1,1]");
    if (const std::string colours = detail::text_value(f, "colour_space", "colour_space"); !colours.empty()) {
        const std::string reason = reason_of_failure([&] { a.colours = colour_space_of(colours); });
        if (!reason.empty()) fail(f.source, ": ", reason);
    }
    return a;
}

} // namespace fovea::zoo
