// Makes networks for training, in every size that zoo::load knows.
#pragma once
#include "fovea/model/trainable.hpp"
#include "fovea/zoo/critic.hpp"
#include "fovea/zoo/load.hpp"

namespace fovea::zoo {

// Throws if the size is not among those of zoo/load.hpp.
template <class Backend> basic_trainable<float> trainable_of(const architecture& a, trainable_options o = {}) {
    auto g = detail::graph_for<Backend, training>(a, o.convolution);
    if (!g) fail(describe(a), ": this size is not among those built in");
    return {std::move(*g), o, fovea::training_engine_maker_of<Backend>()};
}

// Makes a critic of the size "small", "medium" or "large"; throws for any other name.
template <class Backend>
basic_trainable<float> critic_to_train(std::string_view size, const trainable_options& o = {}) {
    if (size == "small") return trainable<critic_small, Backend>(o);
    if (size == "medium") return trainable<critic_medium, Backend>(o);
    if (size == "large") return trainable<critic_large, Backend>(o);
    fail("a critic of size '", size, "': expected small, medium or large");
}

// Writes the metadata by which recognise() knows the network again.
inline void describe_in(tensor_file& file, const architecture& a) {
    file.metadata["format_version"] = "1";
    file.metadata["architecture"] = describe(a);
    if (a.family == family::supercool)
        file.metadata["base_upscaler"] = a.filter == interpolation::bilinear ? "bilinear" : "bicubic";
    file.metadata["range"] = a.range == value_range{} ? "[0,1]" : "[-1,1]";
    file.metadata["colour_space"] = fovea::name_of(a.colours);
}

} // namespace fovea::zoo
