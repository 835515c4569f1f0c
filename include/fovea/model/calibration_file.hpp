// Activation ranges in a safetensors file: for each convolution a tensor of its name with the range's two ends.
#pragma once
#include "fovea/graph/quantise.hpp"
#include "fovea/io/weights/read_weights.hpp"

namespace fovea {

namespace detail {
inline constexpr const char* ranges_format = "fovea activation ranges 1";
}

// Returns the ranges as the contents of a file.
inline tensor_file tensors_of(const activation_ranges& ranges) {
    tensor_file file;
    file.metadata = {{"format", detail::ranges_format}, {"network", ranges.network}, {"weights", ranges.weights}};
    for (auto& [name, range] : ranges.inputs) file.add(tensor_of(name, {2}, std::array{range.low, range.high}));
    return file;
}

// Writes the ranges to a safetensors file, atomically.
inline void write_activation_ranges(const std::filesystem::path& path, const activation_ranges& ranges) {
    write_safetensors(path, tensors_of(ranges));
}

// Throws where the file holds something else, or no digest of the weights that the ranges belong to.
inline activation_ranges activation_ranges_of(const tensor_file& file) {
    const auto text = [&](const char* key) {
        const auto found = file.metadata.find(key);
        return found == file.metadata.end() ? std::string() : found->second;
    };
    if (text("format") != detail::ranges_format || text("weights").empty())
        fail(file.source, ": holds no activation ranges: expected a file that calibration wrote");
    activation_ranges ranges{file.source, text("network"), text("weights"), {}};
    for (auto& t : file.tensors()) {
        if (t.shape != std::vector<std::int64_t>{2} || t.type != dtype::f32)
            fail(file.source, ": ", t.name, " is ", name_of(t.type), ' ', text_of_shape(t.shape), ": expected F32 (2)");
        const auto ends = to_floats(t);
        ranges.inputs[t.name] = {ends[0], ends[1]};
    }
    return ranges;
}
inline activation_ranges read_activation_ranges(const std::filesystem::path& path) {
    return activation_ranges_of(read_tensor_file(path.string()));
}

} // namespace fovea
