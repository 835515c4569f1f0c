// Finds the dictionary and the prefix that hold a network in a checkpoint without knowing the network's tensor names:
// by the names of dictionaries and prefixes, and by the number of their tensors.
#pragma once
#include <algorithm>
#include <cctype>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/io/weights/weight_groups.hpp"

namespace fovea::detail {

inline bool has_section(const tensor_file& file, std::string_view section) {
    for (const stored_tensor& tensor : file.tensors())
        if (tensor.name.size() > section.size() && tensor.name.starts_with(section) &&
            tensor.name[section.size()] == '/')
            return true;
    return false;
}

inline bool is_number(std::string_view name) {
    return std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c); });
}

// Returns the number of weights in each dictionary; "" is the top level of the file. Lists and optimizer state do not
// count.
inline std::map<std::string, std::size_t> weights_by_dictionary(const tensor_file& file) {
    std::map<std::string, std::size_t> counts;
    for (const stored_tensor& t : file.tensors())
        if (!is_counter(t) && !is_number(name_within(t.name))) ++counts[std::string(dictionary_of(t.name))];
    std::erase_if(counts, [](const auto& c) { return roles_of(c.first).state; });
    return counts;
}

// Chooses the dictionary of the network. Averages come before the last weights if they have at least half as many
// tensors; the customary names for a network come before the top level of the file, and that before other dictionaries;
// then the one with the most weights wins. Returns nothing if no dictionary has weights.
inline std::optional<std::string> find_section(const tensor_file& file) {
    auto counts = weights_by_dictionary(file);
    if (std::any_of(counts.begin(), counts.end(), [](const auto& c) { return !roles_of(c.first).helper; }))
        std::erase_if(counts, [](const auto& c) { return roles_of(c.first).helper; });
    const auto largest = [&](auto among) {
        std::optional<std::string> found;
        for (const auto& [name, count] : counts)
            if (among(name) && (!found || count > counts[*found])) found = name;
        return found;
    };
    const auto any = largest([](const std::string&) { return true; });
    const auto average = largest([](const std::string& name) { return roles_of(name).average; });
    if (average && 2 * counts[*average] >= counts[*any]) return average;
    for (const std::string_view known : {"params", "model", "state_dict", "model_state_dict", "net", "network",
                                         "generator", "netG", "net_g", "g", "module", "weights"})
        for (const auto& [name, count] : counts)
            if (name == known || name.ends_with("/" + std::string(known))) return name;
    return counts.contains("") ? "" : any;
}

// Groups the names of a dictionary by the part before their first dot; names without a dot are under "".
inline std::map<std::string, std::set<std::string>, std::less<>> by_first_part(const std::vector<std::string>& names) {
    std::map<std::string, std::set<std::string>, std::less<>> parts;
    for (const std::string& name : names) {
        const std::size_t dot = name.find('.');
        dot == std::string::npos ? parts[""].insert(name) : parts[name.substr(0, dot)].insert(name.substr(dot + 1));
    }
    return parts;
}

// Returns the next part of a prefix, or an empty text. It is a part that all of `names` (except counters and helpers)
// share and that programs use for a network as a whole, or the part of averages whose other names occur without it,
// too.
inline std::string next_prefix(const std::vector<std::string>& names) {
    const auto parts = by_first_part(names);
    std::vector<std::string> left;
    for (const auto& [part, inner] : parts)
        if (!roles_of(part).helper) left.push_back(part);
    for (const std::string& part : left)
        if (!part.empty() && roles_of(part).average)
            for (const std::string& other : left)
                if (other != part && !other.empty() && parts.at(other) == parts.at(part)) return part + ".";
    return left.size() == 1 && is_wrapper(left[0]) ? left[0] + "." : "";
}

// Returns the whole prefix, such as "module.model.".
inline std::string find_prefix(std::vector<std::string> names) {
    constexpr int deepest = 4;
    std::string prefix;
    for (int depth = 0; depth < deepest; ++depth) {
        const std::string part = next_prefix(names);
        if (part.empty()) break;
        prefix += part;
        std::erase_if(names, [&](const std::string& name) { return !name.starts_with(part); });
        for (std::string& name : names) name.erase(0, part.size());
    }
    return prefix;
}

} // namespace fovea::detail
