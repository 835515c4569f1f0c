// Giving a graph its weights from a file, by name.
#pragma once
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <set>

#include "fovea/checkpoint/read_weights.hpp"
#include "fovea/graph/weights.hpp"

namespace fovea {

namespace detail {

inline std::string text_of_dims(weight_shape s) { return text_of('(', s[0], ',', s[1], ',', s[2], ',', s[3], ')'); }

// Shapes agree when they do so after ones at the end are dropped: (64) is (64,1,1,1).
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

// Of the numbers that were added: the same for the same in the same order, else most likely not.
class number_digest {
    std::uint64_t state_ = 0x9e3779b97f4a7c15u;

  public:
    void add(const std::vector<float>& values) {
        for (float v : values) {
            state_ = (state_ ^ std::bit_cast<std::uint32_t>(v)) * 0xff51afd7ed558ccdu;
            state_ ^= state_ >> 32;
        }
    }
    std::string text() const { // 16 digits
        std::string digits;
        for (int shift = 60; shift >= 0; shift -= 4) digits += "0123456789abcdef"[state_ >> shift & 15];
        return digits;
    }
};

class weight_loader {
  public:
    weight_loader(const graph& g, weight_store& to, const tensor_file& file) : graph_(g), to_(to), file_(file) {}

    std::string run() {
        for (std::size_t i = 0; i < graph_.weights.size(); ++i) {
            const auto& w = graph_.weights[i];
            if (w.kind != weight_kind::derived)
                load(int(i), graph_.name(w));
            else if (!w.name.empty())
                load_folded(int(i), graph_.name(w));
        }
        for (auto& t : file_.tensors())
            if (!used_.count(t.name) && t.name.find('/') == std::string::npos &&
                !t.name.ends_with("num_batches_tracked"))
                complain("unexpected ", t.name, ' ', text_of_shape(t.shape));
        if (!wrong_.empty()) fail(file_.source, ": its tensors do not fit the network: ", wrong_);
        return digest_.text();
    }

  private:
    template <class... Parts> void complain(const Parts&... parts) {
        wrong_ += (wrong_.empty() ? "" : "; ") + text_of(parts...);
    }

    void copy(const stored_tensor& t, std::byte* to) {
        const std::vector<float> values = to_floats(t);
        for (float v : values)
            if (!std::isfinite(v)) fail(file_.source, ": tensor ", t.name, " holds values that are not finite");
        std::memcpy(to, values.data(), values.size() * sizeof(float));
        digest_.add(values);
    }

    void load(int i, const std::string& name) {
        const weight_shape dims = graph_.weights[std::size_t(i)].dims;
        const stored_tensor* t = file_.find(name);
        if (!t) {
            // A weight-normed network takes a weight that is already folded: see load_folded().
            for (std::string_view suffix : {"weight_g", "weight_v"})
                if (auto folded = with_suffix(name, suffix, "weight"); !folded.empty() && file_.find(folded)) return;
            return complain("missing ", name, ' ', text_of_dims(dims));
        }
        if (!used_.insert(name).second) return complain("two layers share the name ", name, ": wrap them in named<>");
        if (!same_shape(*t, dims))
            return complain(name, " is ", text_of_shape(t->shape), ", expected ", text_of_dims(dims));
        copy(*t, to_[i]);
    }

    void load_folded(int i, const std::string& name) {
        const stored_tensor* t = file_.find(name);
        if (!t) return;
        const weight_shape dims = graph_.weights[std::size_t(i)].dims;
        used_.insert(name);
        if (!same_shape(*t, dims))
            return complain(name, " is ", text_of_shape(t->shape), ", expected ", text_of_dims(dims));
        copy(*t, to_.provide(i, count(dims) * sizeof(float)));
    }

    const graph& graph_;
    weight_store& to_;
    const tensor_file& file_;
    std::set<std::string, std::less<>> used_;
    std::string wrong_;
    number_digest digest_;
};

} // namespace detail

// Every parameter and buffer of `g` from the tensor of its name; a weight-normed convolution also from a folded
// `weight`. Throws one error that names every missing, unexpected and misshapen tensor, or one that is not finite.
// Returns a digest of the numbers, by which files of activation ranges know theirs.
inline std::string load_weights(const graph& g, weight_store& to, const tensor_file& file) {
    return detail::weight_loader(g, to, file).run();
}

} // namespace fovea
