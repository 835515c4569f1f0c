// What a weight file or a checkpoint holds, whatever its format: named tensors in the order of the file, string
// metadata, and the other values of a checkpoint (its settings, its epoch).
//
// Names. Tensor names have dots of their own ("encoder.0.conv1.bias"), so that the levels of nested dictionaries are
// separated by '/': "model/encoder.0.conv1.bias", "optimizer/state/0/exp_avg". Other values go by dotted names:
// "model_args.num_channels", "optimizer.param_groups.0.lr".
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

class tensor_file {
  public:
    using value = std::variant<std::int64_t, double, bool, std::string>;

    std::string source;                               // the file's name, for messages
    std::string origin;                               // where weights_of() found the network: "params_ema/module."
    std::map<std::string, std::string> metadata;      // what safetensors keeps as __metadata__
    std::map<std::string, value, std::less<>> values; // numbers, texts and truths of a checkpoint, by dotted names
    std::map<std::string, std::string, std::less<>> opaque; // what is not read, by dotted names: "argparse.Namespace"
    std::map<std::string, std::string, std::less<>>
        modules; // whole networks with their code, which are not read either

    std::span<const stored_tensor> tensors() const { return tensors_; }

    // Null where there is none of that name.
    const stored_tensor* find(std::string_view name) const {
        const auto found = places_.find(name);
        return found == places_.end() ? nullptr : &tensors_[found->second];
    }

    const stored_tensor& at(std::string_view name) const {
        const stored_tensor* tensor = find(name);
        if (!tensor) fail(source, ": has no tensor ", name);
        return *tensor;
    }

    // Appends; a second tensor of one name, or one whose bytes do not fill its shape, is an error.
    void add(stored_tensor tensor) {
        const std::int64_t count = tensor.size();
        if (count < 0 || tensor.bytes.size() != static_cast<std::size_t>(count) * bytes_of(tensor.type))
            fail(source, ": tensor ", tensor.name, ": shape ", text_of_shape(tensor.shape), " of ",
                 name_of(tensor.type), " does not fit its ", tensor.bytes.size(), " bytes");
        if (!places_.try_emplace(tensor.name, tensors_.size()).second)
            fail(source, ": tensor ", tensor.name, " appears twice");
        tensors_.push_back(std::move(tensor));
    }

    // A tensor without its elements, in a file made to look at names and shapes.
    void add_outline(std::string name, dtype type, std::vector<std::int64_t> shape) {
        if (places_.try_emplace(name, tensors_.size()).second)
            tensors_.push_back({std::move(name), type, std::move(shape), {}});
    }

    // Takes all tensors out, for files made from this one.
    std::vector<stored_tensor> take_tensors() {
        places_.clear();
        return std::exchange(tensors_, {});
    }

    // The value of that dotted name where it is of type T, or null.
    template <class T> const T* find_value(std::string_view name) const {
        const auto found = values.find(name);
        return found == values.end() ? nullptr : std::get_if<T>(&found->second);
    }

    // The integer of that name, an error where there is none.
    std::int64_t integer(std::string_view name) const {
        const auto* found = find_value<std::int64_t>(name);
        if (!found) fail(source, ": has no integer ", name);
        return *found;
    }

    // The text of that name, an error where there is none.
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
    std::unordered_map<std::string, std::size_t, text_hash, std::equal_to<>> places_; // name -> index in tensors_
};

namespace detail {

// A whole network is code that only its own program has.
[[noreturn]] inline void fail_as_module(const tensor_file& file) {
    const auto& [name, type] = *file.modules.begin();
    fail(file.source, ": holds a whole module", name == "value" ? "" : " as " + printable(name), ", ", type,
         ", with its code, which is never executed: expected its weights, torch.save(model.state_dict(), ...)");
}

} // namespace detail

} // namespace fovea
