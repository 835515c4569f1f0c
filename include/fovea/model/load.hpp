// Gives a graph its weights from a file, by name, wherever in the file they are.
#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/core/listing.hpp"
#include "fovea/graph/weights.hpp"
#include "fovea/io/weights/read_weights.hpp"

namespace fovea {

namespace detail {

inline std::string text_of_dims(weight_shape s) { return text_of('(', s[0], ',', s[1], ',', s[2], ',', s[3], ')'); }

// Returns whether shapes agree once ones at the end are dropped: (64) is (64,1,1,1).
inline bool same_shape(const stored_tensor& t, weight_shape s) {
    if (t.shape.size() > 4) return false;
    for (std::size_t i = 0; i < 4; ++i)
        if ((i < t.shape.size() ? t.shape[i] : 1) != s[i]) return false;
    return true;
}

inline std::string with_suffix(std::string name, std::string_view old_suffix, std::string_view new_suffix) {
    if (!name.ends_with(old_suffix)) return {};
    return name.replace(name.size() - old_suffix.size(), old_suffix.size(), new_suffix);
}

// A digest of numbers. Equal numbers in the same order give equal digests; others most likely do not.
class number_digest {
    std::uint64_t state_ = 0x9e3779b97f4a7c15u;

  public:
    void add(const std::vector<float>& values) {
        for (float v : values) {
            state_ = (state_ ^ std::bit_cast<std::uint32_t>(v)) * 0xff51afd7ed558ccdu;
            state_ ^= state_ >> 32;
        }
    }
    std::string text() const { // 16 hexadecimal digits
        std::string digits;
        for (int shift = 60; shift >= 0; shift -= 4) digits += "0123456789abcdef"[state_ >> shift & 15];
        return digits;
    }
};

// Returns whether a weight can be taken from a tensor of its own name, or from a weight normalisation that is folded.
inline bool has_weight(const tensor_file& file, const std::string& name, weight_shape dims) {
    if (const stored_tensor* t = file.find(name)) return same_shape(*t, dims);
    for (std::string_view suffix : {"weight_g", "weight_v"})
        if (auto folded = with_suffix(name, suffix, "weight"); !folded.empty() && file.find(folded)) return true;
    return false;
}

// Returns the beginnings of names that files may leave out: none, and those that all names of `g` share and that stand
// for the network as a whole, such as "model." and "model.net.".
inline std::vector<std::size_t> droppable(const graph& g) {
    std::vector<std::string> names;
    for (const auto& w : g.weights)
        if (w.kind != weight_kind::derived) names.push_back(g.name(w));
    std::vector<std::size_t> lengths = {0};
    while (!names.empty()) {
        const std::size_t begin = lengths.back(), dot = names[0].find('.', begin);
        const std::string start = names[0].substr(0, dot + 1);
        if (dot == std::string::npos || !is_wrapper(std::string_view(start).substr(begin))) break;
        if (!std::all_of(names.begin(), names.end(), [&](auto& name) { return name.starts_with(start); })) break;
        lengths.push_back(start.size());
    }
    return lengths;
}

inline bool has_all_weights(const tensor_file& file, const graph& g, std::size_t dropped = 0) {
    for (const auto& w : g.weights)
        if (w.kind != weight_kind::derived && !has_weight(file, g.name(w).substr(dropped), w.dims)) return false;
    return true;
}

// Returns the group of the file's tensors that has every weight of `g`; `file` itself if it has them, or if no group
// does.
class weight_source {
  public:
    weight_source(const graph& g, const tensor_file& file) : file_(&file) {
        if (has_all_weights(file, g)) return;
        for (const std::size_t dropped : droppable(g)) {
            const auto group = find_group(file, [&](const auto& f) { return has_all_weights(f, g, dropped); });
            if (!group) continue;
            dropped_ = dropped;
            for (const std::uint32_t i : group->tensors) {
                const stored_tensor& t = file.tensors()[i];
                group_.try_emplace(own_name(std::string_view(t.name).substr(group->start().size())), &t);
            }
            return;
        }
    }

    const stored_tensor* find(const std::string& name) const {
        if (group_.empty()) return file_->find(name);
        const auto found = group_.find(name.substr(dropped_));
        return found == group_.end() ? nullptr : found->second;
    }
    // Calls f(name, tensor) for the tensors of the same dictionary that are no weights of the network.
    template <class F> void for_each(F f) const {
        if (group_.empty())
            for (auto& t : file_->tensors()) t.name.find('/') == std::string::npos ? f(t.name, t) : void();
        for (auto& [name, t] : group_) f(name, *t);
    }

  private:
    const tensor_file* file_;
    std::map<std::string, const stored_tensor*> group_;
    std::size_t dropped_ = 0;
};

// Returns whether a tensor among the weights belongs to a helper network, or is a counter.
inline bool is_stray(const std::string& name, const stored_tensor& t) {
    const std::size_t dot = name.find('.');
    return is_counter(t) || (dot != std::string::npos && roles_of(name.substr(0, dot)).helper);
}

class weight_loader {
  public:
    weight_loader(const graph& g, weight_store& to, const tensor_file& file)
        : graph_(g), to_(to), file_(file), source_(g, file) {}

    // Returns what is wrong, in one line; empty: every weight was loaded.
    std::string run() {
        for (std::size_t i = 0; i < graph_.weights.size(); ++i) {
            const auto& w = graph_.weights[i];
            if (w.kind != weight_kind::derived)
                load(int(i), graph_.name(w));
            else if (!w.name.empty())
                load_folded(int(i), graph_.name(w));
        }
        if (!not_finite_.empty())
            return text_of(file_.source, ": tensor ", not_finite_, " holds values that are not finite");
        source_.for_each([&](const std::string& name, const stored_tensor& t) {
            if (!used_.count(&t) && !is_stray(name, t))
                complain("unexpected ", printable(name), ' ', text_of_shape(t.shape));
        });
        if (wrong_.empty()) return {};
        std::string message = text_of(file_.source, ": its tensors do not fit the network: ", wrong_.text());
        const bool only_network = std::all_of(file_.tensors().begin(), file_.tensors().end(),
                                              [](auto& t) { return dictionary_of(t.name).empty(); });
        return only_network ? message : message + "; it has " + contents_of(file_);
    }
    std::string digest() const { return digest_.text(); }

  private:
    template <class... Parts> void complain(const Parts&... parts) { wrong_.add(text_of(parts...)); }

    void copy(const stored_tensor& t, std::byte* to) {
        const std::vector<float> values = to_floats(t);
        for (float v : values)
            if (!std::isfinite(v)) not_finite_ = not_finite_.empty() ? t.name : not_finite_;
        std::memcpy(to, values.data(), values.size() * sizeof(float));
        digest_.add(values);
    }

    void load(int i, const std::string& name) {
        const weight_shape dims = graph_.weights[std::size_t(i)].dims;
        const stored_tensor* t = source_.find(name);
        if (!t) {
            for (std::string_view suffix : {"weight_g", "weight_v"})
                if (auto folded = with_suffix(name, suffix, "weight"); !folded.empty())
                    if (const stored_tensor* w = source_.find(folded)) return unfold(*w, suffix == "weight_g", i);
            return complain("missing ", name, ' ', text_of_dims(dims));
        }
        if (!used_.insert(t).second) return complain("two layers share the name ", name, ": wrap them in named<>");
        if (!same_shape(*t, dims))
            return complain(name, " is ", text_of_shape(t->shape), ", expected ", text_of_dims(dims));
        copy(*t, to_[i]);
    }

    // A network with weight normalisation takes a folded weight w as v = w, g = ||v||, so that training can go on.
    // Where nothing is trained, load_folded() gives it w itself, and checks the shape.
    void unfold(const stored_tensor& folded, bool norms, int i) {
        const std::vector<float> w = to_floats(folded);
        const std::size_t n = count(graph_.weights[std::size_t(i)].dims), each = norms && n ? w.size() / n : 1;
        if (w.size() != n * each) return;
        float* to = reinterpret_cast<float*>(to_[i]);
        if (!norms) std::copy(w.begin(), w.end(), to);
        for (std::size_t k = 0; norms && k < n; ++k) {
            double square = 0;
            for (std::size_t j = 0; j < each; ++j) square += double(w[k * each + j]) * double(w[k * each + j]);
            to[k] = float(std::sqrt(square));
        }
    }

    void load_folded(int i, const std::string& name) {
        const stored_tensor* t = source_.find(name);
        if (!t) return;
        const weight_shape dims = graph_.weights[std::size_t(i)].dims;
        used_.insert(t);
        if (!same_shape(*t, dims))
            return complain(name, " is ", text_of_shape(t->shape), ", expected ", text_of_dims(dims));
        copy(*t, to_.provide(i, count(dims) * sizeof(float)));
    }

    const graph& graph_;
    weight_store& to_;
    const tensor_file& file_;
    weight_source source_;
    std::set<const stored_tensor*> used_;
    std::string not_finite_;
    listing wrong_{"; "};
    number_digest digest_;
};

} // namespace detail

// Loads every parameter and buffer of `g` from the tensor of its name; a convolution with weight normalisation also
// from a folded `weight`. If the names do not fit as they are, looks for a dictionary and prefix that have all of them,
// averages before the last weights. Throws one error that names missing, unexpected and misshapen tensors, or a tensor
// that is not finite. Returns a digest of the numbers, by which files of activation ranges know their weights.
inline std::string load_weights(const graph& g, weight_store& to, const tensor_file& file) {
    detail::weight_loader loader(g, to, file);
    if (const std::string problem = loader.run(); !problem.empty()) fail(problem);
    return loader.digest();
}

// Returns the message of the error that load_weights() would throw; empty: the weights fit.
inline std::string problem_of_weights(const graph& g, const tensor_file& file) {
    weight_store scratch(g);
    return detail::weight_loader(g, scratch, file).run();
}

} // namespace fovea
