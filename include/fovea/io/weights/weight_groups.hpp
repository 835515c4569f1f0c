// The places in a file where a network may lie. A group is a dictionary and a prefix that several names in it share.
// The caller's test of names or shapes decides which groups hold the wanted network (find_group); of several, averages
// come first, then the least nested.
#pragma once
#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fovea/core/listing.hpp"
#include "fovea/io/byte_reader.hpp"
#include "fovea/io/weights/tensor_file.hpp"
#include "fovea/io/weights/weight_roles.hpp"

namespace fovea::detail {

// Converts the newer spelling of weight normalisation (w = g v / ||v||) to the older:
// X.parametrizations.weight.original0 and original1 become X.weight_g and X.weight_v.
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

inline void erase_all(std::string& name, std::string_view part) {
    for (std::size_t at = name.find(part); at != std::string::npos; at = name.find(part, at))
        name.erase(at, part.size());
}

// Returns a name without the marks of compilation and with the older spelling of weight normalisation.
inline std::string own_name(std::string_view stored) {
    std::string name(stored);
    erase_all(name, "_orig_mod.");
    rename_weight_norm(name);
    return name;
}

// "model/net.a.weight" is the tensor "net.a.weight" in the dictionary "model".
inline std::string_view dictionary_of(std::string_view name) {
    const std::size_t slash = name.rfind('/');
    return slash == std::string_view::npos ? std::string_view{} : name.substr(0, slash);
}
inline std::string_view name_within(std::string_view name) {
    const std::size_t slash = name.rfind('/');
    return slash == std::string_view::npos ? name : name.substr(slash + 1);
}

// Returns whether a tensor is a counter or a flag of training rather than a weight.
inline bool is_counter(const stored_tensor& t) {
    return t.name.ends_with("num_batches_tracked") || (t.size() == 1 && t.type != dtype::f16 && t.type != dtype::bf16 &&
                                                       t.type != dtype::f32 && t.type != dtype::f64);
}

struct weight_group {
    std::string dictionary, prefix;     // dictionary: "" or such as "optimizer/state"; prefix: "" or such as "net_g."
    std::vector<std::uint32_t> tensors; // indices in the file

    std::string start() const { return dictionary.empty() ? prefix : dictionary + "/" + prefix; }
};

// Returns the groups in file order: each whole dictionary, and its prefixes of up to `deepest` parts.
inline std::vector<weight_group> weight_groups(const tensor_file& file, std::size_t deepest = 4) {
    std::vector<weight_group> groups;
    std::map<std::string, std::size_t, std::less<>> places; // index by dictionary and prefix
    for (std::uint32_t i = 0; i < file.tensors().size(); ++i) {
        const stored_tensor& t = file.tensors()[i];
        const std::string_view dictionary = dictionary_of(t.name), name = name_within(t.name);
        const std::size_t begin = t.name.size() - name.size();
        std::size_t length = 0;
        for (std::size_t depth = 0; depth <= deepest; ++depth) {
            const std::string_view start = std::string_view(t.name).substr(0, begin + length);
            auto at = places.find(start);
            if (at == places.end()) {
                at = places.emplace(std::string(start), groups.size()).first;
                groups.push_back({std::string(dictionary), std::string(name.substr(0, length)), {}});
            }
            groups[at->second].tensors.push_back(i);
            const std::size_t dot = name.find('.', length);
            if (dot == std::string_view::npos) break;
            length = dot + 1;
        }
    }
    return groups;
}

// Returns the names and shapes of a group's tensors without prefix and elements.
inline tensor_file outline_of(const tensor_file& file, const weight_group& group) {
    tensor_file outline;
    outline.source = file.source;
    for (const std::uint32_t i : group.tensors) {
        const stored_tensor& t = file.tensors()[i];
        outline.add_outline(own_name(std::string_view(t.name).substr(group.start().size())), t.type, t.shape);
    }
    return outline;
}

// Returns the best of the groups for which fits(outline) is true.
template <class Fits> std::optional<weight_group> find_group(const tensor_file& file, Fits fits) {
    struct ranked {
        bool helper, last;
        std::ptrdiff_t parts;
        std::size_t place;
        auto operator<=>(const ranked&) const = default;
    };
    std::vector<weight_group> groups = weight_groups(file);
    std::vector<ranked> order;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        const weight_group& g = groups[i];
        const weight_roles roles = roles_of(g.start());
        if (!roles.state)
            order.push_back({roles.helper, !roles.average,
                             std::count(g.prefix.begin(), g.prefix.end(), '.') +
                                 std::count(g.dictionary.begin(), g.dictionary.end(), '/'),
                             i});
    }
    std::sort(order.begin(), order.end());
    for (const ranked& r : order)
        if (fits(outline_of(file, groups[r.place]))) return std::move(groups[r.place]);
    return std::nullopt;
}

// The tensors of one dictionary, or, outside of dictionaries, of one first part of their names.
struct weight_place {
    std::string name; // such as "optimizer/state" or "net_d."
    bool in_dictionary = false;
    std::size_t tensors = 0;

    std::string text() const {
        return printable(name) + " (" + std::to_string(tensors) + (tensors == 1 ? " tensor)" : " tensors)");
    }
};

// Returns the places in file order. weights_of() renames a top-level `a.b` that belongs to no network to `./a.b`.
inline std::vector<weight_place> weight_places(const tensor_file& file) {
    std::vector<weight_place> places;
    std::map<std::string, std::size_t> indices;
    for (const stored_tensor& t : file.tensors()) {
        const std::string_view dictionary = dictionary_of(t.name), name = name_within(t.name);
        const bool alone = dictionary.empty() || dictionary == ".";
        const std::string place(alone ? name.substr(0, name.find('.') == name.npos ? name.npos : name.find('.') + 1)
                                      : dictionary);
        const auto [at, is_new] = indices.try_emplace(place, places.size());
        if (is_new) places.push_back({place, !dictionary.empty(), 0});
        ++places[at->second].tensors;
    }
    return places;
}

// Describes a file for messages: "net_g. (80 tensors), net_d. (24), optimizer/state/0 (3), args: argparse.Namespace".
inline std::string contents_of(const tensor_file& file) {
    listing list;
    for (const weight_place& place : weight_places(file)) list.add(place.text());
    for (const auto& [name, type] : file.modules) list.add(printable(name) + ": a whole module, " + type);
    for (const auto& [name, type] : file.opaque) list.add(printable(name) + ": " + type + ", not read");
    return list.empty() ? "no tensors" : list.text();
}

} // namespace fovea::detail
