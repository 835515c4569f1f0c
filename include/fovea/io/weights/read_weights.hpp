// Opens weight files of every kind and finds the tensors of one network in them, under that network's own names.
#pragma once
#include <cstddef>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fovea/core/error.hpp"
#include "fovea/io/read_file.hpp"
#include "fovea/io/weights/find_section.hpp"
#include "fovea/io/weights/safetensors.hpp"
#include "fovea/io/weights/tensor_file.hpp"
#include "fovea/io/weights/torch_file.hpp"
#include "fovea/io/zip.hpp"

namespace fovea {

// Reads a weight file or checkpoint from memory; the format is recognised by the content. `source` names it in errors.
inline tensor_file read_tensor_bytes(std::span<const std::byte> bytes,
                                     const std::string& source = "weights in memory") {
    if (detail::zip_archive::recognises(bytes)) return detail::read_torch_archive(bytes, source);
    if (detail::is_old_torch_file(bytes)) return detail::read_old_torch_file(bytes, source);
    if (detail::is_safetensors(bytes)) return read_safetensors(bytes, source);
    fail(source, ": is not a weight file: expected safetensors or what torch.save writes (.pth, .pt)");
}

// Reads a weight file or checkpoint from disk.
inline tensor_file read_tensor_file(const std::filesystem::path& path) {
    return read_tensor_bytes(read_file(path), path.string());
}

namespace detail {

// A checkpoint of this library's trainer has moving averages, average/X, beside its weights X. The averages are what
// the run evaluates and what a user expects as its weights, so average/X becomes X, and X becomes last/X. Returns false
// if the file is not such a checkpoint.
inline bool prefer_averages(tensor_file& file) {
    constexpr std::string_view section = "average/";
    std::set<std::string> averaged;
    for (const stored_tensor& t : file.tensors())
        if (t.name.starts_with(section)) averaged.insert(t.name.substr(section.size()));
    std::erase_if(averaged, [&](const std::string& name) { return !file.find(name); });
    if (averaged.empty()) return false;
    for (stored_tensor& t : file.take_tensors()) {
        if (t.name.starts_with(section) && averaged.contains(t.name.substr(section.size())))
            t.name.erase(0, section.size());
        else if (averaged.contains(t.name))
            t.name.insert(0, "last/");
        file.add(std::move(t));
    }
    return true;
}

// Removes `start` from the names that begin with it; all other names get a slash.
inline void keep_as_network(tensor_file& file, const std::string& start) {
    for (stored_tensor& t : file.take_tensors()) {
        if (t.name.starts_with(start) && t.name.find('/', start.size()) == std::string::npos)
            t.name.erase(0, start.size());
        else if (t.name.find('/') == std::string::npos)
            t.name.insert(0, "./"); // tensors beside the dictionaries
        file.add(std::move(t));
    }
    file.origin = start;
}

inline void take_own_names(tensor_file& file) {
    for (stored_tensor& t : file.take_tensors()) {
        if (t.name.find('/') == std::string::npos) t.name = own_name(t.name);
        file.add(std::move(t));
    }
}

// Removes the prefixes that stand for the network as a whole.
inline void drop_prefix(tensor_file& file) {
    std::vector<std::string> names;
    for (const stored_tensor& t : file.tensors())
        if (t.name.find('/') == std::string::npos && !is_counter(t)) names.push_back(t.name);
    const std::string prefix = find_prefix(std::move(names));
    if (prefix.empty()) return;
    const std::string dictionary = std::exchange(file.origin, {});
    keep_as_network(file, prefix);
    file.origin = dictionary + prefix;
}

} // namespace detail

// Returns `file` with the tensors of one network under that network's own names. They come from the dictionary
// `section`; by default from the one that find_section() chooses: averages before the last weights, and training
// helpers (discriminator, optimizer) only if there is nothing else.
//
// Prefixes of compiled, parallel and wrapped models (`_orig_mod.`, `module.`, `model.`, `net_g.`) are removed if all
// names have them; weight-norm pairs become X.weight_g and X.weight_v. All other tensors have names with a slash; those
// of other dictionaries begin with the dictionary's name, as in "critic/linear.weight". Metadata and values stay.
// Throws if the section is missing or has no tensor of a network.
//
// This function does not know the tensor names of any network. load() of the zoo, model<network, backend> and
// trainable::load() do, and search all dictionaries and prefixes for them.
inline tensor_file weights_of(tensor_file file, std::string_view section = {}) {
    if (!section.empty() && !detail::has_section(file, section))
        fail(file.source, ": has no dictionary ", section, " with tensors: it has ", detail::contents_of(file));
    if (!section.empty())
        detail::keep_as_network(file, std::string(section) + "/");
    else if (!detail::prefer_averages(file)) {
        const auto found = detail::find_section(file);
        if (!found && !file.modules.empty()) detail::fail_as_module(file);
        if (!found) fail(file.source, ": holds no weights of a network: it has ", detail::contents_of(file));
        if (!found->empty()) detail::keep_as_network(file, *found + "/");
    }
    detail::take_own_names(file);
    detail::drop_prefix(file);
    return file;
}

} // namespace fovea
