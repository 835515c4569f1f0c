// Opening weight files of every kind, and finding in them the tensors of one network under that network's own names.
#pragma once
#include <cstddef>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fovea/checkpoint/safetensors.hpp"
#include "fovea/checkpoint/tensor_file.hpp"
#include "fovea/checkpoint/torch_file.hpp"
#include "fovea/checkpoint/zip.hpp"
#include "fovea/core/error.hpp"
#include "fovea/core/read_file.hpp"

namespace fovea {

// A weight file or checkpoint in memory, recognised by its content. `source` names it in errors.
inline tensor_file read_tensor_bytes(std::span<const std::byte> bytes,
                                     const std::string& source = "weights in memory") {
    if (detail::zip_archive::recognises(bytes)) return detail::read_torch_archive(bytes, source);
    if (detail::is_old_torch_file(bytes)) return detail::read_old_torch_file(bytes, source);
    if (detail::is_safetensors(bytes)) return read_safetensors(bytes, source);
    fail(source, ": is not a weight file: expected safetensors or what torch.save writes (.pth, .pt)");
}

// The same from a file.
inline tensor_file read_tensor_file(const std::filesystem::path& path) {
    return read_tensor_bytes(read_file(path), path.string());
}

namespace detail {

inline bool has_section(const tensor_file& file, std::string_view section) {
    for (const stored_tensor& tensor : file.tensors())
        if (tensor.name.size() > section.size() && tensor.name.starts_with(section) &&
            tensor.name[section.size()] == '/')
            return true;
    return false;
}

// The dictionary that holds the network: averaged weights before the last ones, a checkpoint's part before the whole.
inline std::string find_section(const tensor_file& file) {
    for (const std::string_view section : {"params_ema", "params", "model", "state_dict"})
        if (has_section(file, section)) return std::string(section);
    return {};
}

// A checkpoint of a trainer has moving averages beside its weights, average/X beside X. They are what its run
// evaluates, and what is meant by its weights: average/X becomes X, and X becomes last/X.
inline void prefer_averages(tensor_file& file) {
    constexpr std::string_view section = "average/";
    if (!has_section(file, "average")) return;
    auto tensors = file.take_tensors();
    std::set<std::string> averaged;
    for (stored_tensor& t : tensors)
        if (t.name.starts_with(section)) averaged.insert(t.name.substr(section.size()));
    for (stored_tensor& t : tensors) {
        if (t.name.starts_with(section))
            t.name.erase(0, section.size());
        else if (averaged.contains(t.name))
            t.name.insert(0, "last/");
        file.add(std::move(t));
    }
}

inline void erase_all(std::string& name, std::string_view part) {
    for (std::size_t at = name.find(part); at != std::string::npos; at = name.find(part, at))
        name.erase(at, part.size());
}

// Both spellings of weight normalisation, w = g v / ||v||: X.parametrizations.weight.original0 and original1 become
// X.weight_g and X.weight_v.
inline void rename_weight_norm(std::string& name) {
    constexpr std::string_view middle = ".parametrizations.";
    const std::size_t at = name.rfind(middle);
    if (at == std::string::npos || name.size() < 10) return;
    const std::string_view end = std::string_view(name).substr(name.size() - 10);
    if (end != ".original0" && end != ".original1") return;
    const std::string_view suffix = end.back() == '0' ? "_g" : "_v";
    name.replace(name.size() - 10, 10, suffix);
    name.erase(at + 1, middle.size() - 1);
}

} // namespace detail

// `file` with the tensors of one network under that network's own names. They come from the dictionary `section`, by
// default from params_ema, params, model or state_dict, the first that is there, else from the file itself, where
// moving averages of a trainer's checkpoint come before the last weights. The prefixes of compiled and parallel models
// (`_orig_mod.`, `module.`) go, weight-norm pairs become X.weight_g and X.weight_v. Tensors of other dictionaries
// (optimizer, critic) keep their names with the dictionary's, "critic/linear.weight"; metadata and values stay. A
// section that is not there, or no tensor at all for the network, is an error.
inline tensor_file weights_of(tensor_file file, std::string_view section = {}) {
    if (!section.empty() && !detail::has_section(file, section))
        fail(file.source, ": has no dictionary ", section, " with tensors");
    const std::string chosen = (section.empty() ? detail::find_section(file) : std::string(section)) + "/";
    const bool bare = chosen == "/";
    if (bare) detail::prefer_averages(file);
    const auto belongs = [&](const std::string& name) {
        return bare ? name.find('/') == std::string::npos : name.starts_with(chosen);
    };

    constexpr std::string_view parallel = "module.";
    auto tensors = file.take_tensors();
    std::vector<bool> ours(tensors.size());
    bool any = false, all_parallel = true;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        std::string& name = tensors[i].name;
        ours[i] = belongs(name);
        if (!ours[i]) {
            if (name.find('/') == std::string::npos) name.insert(0, "./"); // beside the dictionaries
            continue;
        }
        if (!bare) name.erase(0, chosen.size());
        detail::erase_all(name, "_orig_mod.");
        detail::rename_weight_norm(name);
        any = true;
        all_parallel = all_parallel && name.starts_with(parallel);
    }
    if (!any) fail(file.source, ": holds no weights of a network");
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        if (ours[i] && all_parallel) tensors[i].name.erase(0, parallel.size());
        file.add(std::move(tensors[i]));
    }
    return file;
}

} // namespace fovea
