// The contents of a weight file or a checkpoint in any format: named tensors in file order, metadata as texts, and the
// other values of a checkpoint, such as its settings and its epoch.
//
// Names: tensor names contain dots ("encoder.0.conv1.bias"), so the levels of nested dictionaries are separated by '/',
// as in "model/encoder.0.conv1.bias" or "optimizer/state/0/exp_avg". Other values have dotted names, as in
// "model_args.num_channels" or "optimizer.param_groups.0.lr".
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "fovea/core/error.hpp"
#include "fovea/io/byte_reader.hpp"
#include "fovea/io/weights/stored_tensor.hpp"

namespace fovea {

// Named tensors in file order, with the other values of a file.
class tensor_file {
  public:
    using value = std::variant<std::int64_t, double, bool, std::string>;

    std::string source;                          // file name for messages
    std::string origin;                          // where weights_of() found the network, such as "params_ema/module."
    std::map<std::string, std::string> metadata; // __metadata__ in safetensors
    std::map<std::string, value, std::less<>> values;        // numbers, texts and booleans, by dotted names
    std::map<std::string, std::string, std::less<>> opaque;  // types of unread values
    std::map<std::string, std::string, std::less<>> modules; // types of whole networks, which are not read either

    std::span<const stored_tensor> tensors() const { return tensors_; } // in file order

    // Returns null if there is no tensor of that name.
    const stored_tensor* find(std::string_view name) const {
        const auto found = places_.find(name);
        return found == places_.end() ? nullptr : &tensors_[found->second];
    }

    // Returns the tensor of that name; throws if there is none.
    const stored_tensor& at(std::string_view name) const {
        const stored_tensor* tensor = find(name);
        if (!tensor) fail(source, ": has no tensor ", name);
        return *tensor;
    }

    // Appends a tensor. Throws if the name exists already or the bytes do not match the shape.
    void add(stored_tensor tensor) {
        const std::int64_t count = tensor.size();
        if (count < 0 || tensor.bytes.size() != static_cast<std::size_t>(count) * bytes_of(tensor.type))
            fail(source, ": tensor ", tensor.name, ": shape ", text_of_shape(tensor.shape), " of ",
                 name_of(tensor.type), " does not fit its ", tensor.bytes.size(), " bytes");
        if (!places_.try_emplace(tensor.name, tensors_.size()).second)
            fail(source, ": tensor ", tensor.name, " appears twice");
        tensors_.push_back(std::move(tensor));
    }

    // Appends a tensor without its elements, for a file that is only searched for names and shapes.
    void add_outline(std::string name, dtype type, std::vector<std::int64_t> shape) {
        if (places_.try_emplace(name, tensors_.size()).second)
            tensors_.push_back({std::move(name), type, std::move(shape), {}});
    }

    // Moves all tensors out.
    std::vector<stored_tensor> take_tensors() {
        places_.clear();
        return std::exchange(tensors_, {});
    }

    // Returns the value with that dotted name if it is of type T, else null.
    template <class T> const T* find_value(std::string_view name) const {
        const auto found = values.find(name);
        return found == values.end() ? nullptr : std::get_if<T>(&found->second);
    }

    // Returns the integer with that name; throws if there is none.
    std::int64_t integer(std::string_view name) const {
        const auto* found = find_value<std::int64_t>(name);
        if (!found) fail(source, ": has no integer ", name);
        return *found;
    }

    // Returns the text with that name; throws if there is none.
    const std::string& text(std::string_view name) const {
        const auto* found = find_value<std::string>(name);
        if (!found) fail(source, ": has no text ", name);
        return *found;
    }

  private:
    struct text_hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
    };

    std::vector<stored_tensor> tensors_;
    std::unordered_map<std::string, std::size_t, text_hash, std::equal_to<>> places_; // index in tensors_ by name
};

namespace detail {

// Refuses a file with a whole network, which needs code that only its own program has.
[[noreturn]] inline void fail_as_module(const tensor_file& file) {
    const auto& [name, type] = *file.modules.begin();
    fail(file.source, ": holds a whole module", name == "value" ? "" : " as " + printable(name), ", ", type,
         ", with its code, which is never executed: expected its weights, torch.save(model.state_dict(), ...)");
}

} // namespace detail

} // namespace fovea
