// Converts an unpickled value to a tensor_file: views are copied out of their storages, and nested dictionaries become
// names. Depth, number of values and bytes are limited, because sharing and cycles let a small pickle expand to an
// endless tree.
#pragma once
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fovea/core/error.hpp"
#include "fovea/io/byte_reader.hpp"
#include "fovea/io/weights/pickle_value.hpp"
#include "fovea/io/weights/tensor_file.hpp"

namespace fovea::detail {

// Returns the bytes of a storage, which must stay valid while the value is flattened.
using torch_storage_bytes = std::function<std::span<const std::byte>(const torch_storage&)>;

// Copies the elements of `view`, `size` bytes each, out of `storage`, the last axis fastest.
inline void copy_view(const torch_view& view, std::size_t size, std::span<const std::byte> storage,
                      std::span<std::byte> to) {
    std::vector<std::int64_t> index(view.shape.size(), 0);
    std::uint64_t element = view.offset;
    for (std::size_t written = 0; written < to.size(); written += size) {
        std::memcpy(to.data() + written, storage.data() + element * size, size);
        for (std::size_t axis = index.size(); axis-- > 0;) {
            const auto stride = static_cast<std::uint64_t>(view.strides[axis]);
            element += stride;
            if (++index[axis] < view.shape[axis]) break;
            element -= stride * static_cast<std::uint64_t>(view.shape[axis]);
            index[axis] = 0;
        }
    }
}

inline bool is_contiguous(const torch_view& view) {
    std::int64_t expected = 1;
    for (std::size_t axis = view.shape.size(); axis-- > 0;) {
        if (view.shape[axis] != 1 && view.strides[axis] != expected) return false;
        expected *= view.shape[axis];
    }
    return true;
}

class torch_flattener {
  public:
    torch_flattener(const pickle_value& value, const std::string& source, size_budget& budget,
                    const torch_storage_bytes& storage_bytes)
        : value_(value), budget_(budget), storage_bytes_(storage_bytes) {
        file_.source = source;
    }

    tensor_file flatten() {
        visit(value_.root, "", 0);
        if (file_.tensors().empty() && !file_.modules.empty() && file_.values.empty()) fail_as_module(file_);
        return std::move(file_);
    }

  private:
    static constexpr std::size_t deepest = 32, most_visits = 1'000'000, longest_name = 1024;

    // path: the keys down to this value, such as "model/encoder.0.conv1.bias".
    void visit(pickle_id id, const std::string& path, std::size_t depth) {
        if (depth > deepest) fail(file_.source, ": nests deeper than ", deepest, " levels at ", printable(path));
        if (++visits_ > most_visits) fail(file_.source, ": unfolds to more than ", most_visits, " values");
        const pickle_node& node = value_.nodes[id];
        switch (node.kind) {
            case pickle_kind::tensor:
                add_tensor(value_.tensors[static_cast<std::size_t>(node.integer)], path);
                break;
            case pickle_kind::boolean:
                add_value(path, node.integer != 0);
                break;
            case pickle_kind::integer:
                add_value(path, node.integer);
                break;
            case pickle_kind::real:
                add_value(path, node.real);
                break;
            case pickle_kind::text:
                add_value(path, std::string(node.text));
                break;
            case pickle_kind::tuple:
            case pickle_kind::list:
                for (std::size_t i = 0; i < node.items.size(); ++i)
                    visit(node.items[i], joined(path, std::to_string(i)), depth + 1);
                break;
            case pickle_kind::dictionary:
                for (std::size_t i = 0; i < node.items.size(); i += 2)
                    visit(node.items[i + 1], joined(path, key_text(node.items[i])), depth + 1);
                break;
            case pickle_kind::foreign:
                add_opaque(node.module ? file_.modules : file_.opaque, path, text_of_value(node, 0));
                break;
            case pickle_kind::none:
            case pickle_kind::bytes:
            case pickle_kind::global:
            case pickle_kind::storage:
                break;
        }
    }

    std::string key_text(pickle_id id) const {
        const pickle_node& key = value_.nodes[id];
        return key.kind == pickle_kind::text ? std::string(key.text) : printable(text_of_value(key, 0));
    }

    // Returns a key of any type as Python prints it: "0.5", "(1, y)", "None". Large values are abbreviated.
    std::string text_of_value(const pickle_node& node, std::size_t depth) const {
        constexpr std::size_t most_items = 8, deepest_key = 4;
        char number[32];
        switch (node.kind) {
            case pickle_kind::none:
                return "None";
            case pickle_kind::boolean:
                return node.integer ? "True" : "False";
            case pickle_kind::integer:
                return std::to_string(node.integer);
            case pickle_kind::real:
                return {number, std::to_chars(number, number + sizeof number, node.real).ptr};
            case pickle_kind::text:
            case pickle_kind::bytes:
                return printable(node.text);
            case pickle_kind::foreign:
                return printable(value_.foreign[static_cast<std::size_t>(node.integer)].text());
            case pickle_kind::tuple:
                if (depth < deepest_key && node.items.size() <= most_items) {
                    std::string text;
                    for (const pickle_id item : node.items)
                        text += (text.empty() ? "" : ", ") + text_of_value(value_.nodes[item], depth + 1);
                    return printable("(" + text + ")");
                }
                [[fallthrough]];
            default:
                return "(...)";
        }
    }

    std::string joined(const std::string& path, const std::string& key) const {
        if (path.size() + key.size() >= longest_name)
            fail(file_.source, ": a name is longer than ", longest_name, " bytes: ", printable(path + "/" + key));
        return path.empty() ? key : path + "/" + key;
    }

    static std::string dotted(std::string name) {
        for (char& c : name)
            if (c == '/') c = '.';
        return name.empty() ? "value" : name;
    }

    // Different values may have the same dotted name; the first one keeps it. No tensor depends on these values.
    void add_value(const std::string& path, tensor_file::value value) {
        std::string name = dotted(path);
        const auto* text = std::get_if<std::string>(&value);
        budget_.spend(128 + name.size() + (text ? text->size() : 0), printable(name));
        file_.values.try_emplace(std::move(name), std::move(value));
    }

    void add_opaque(std::map<std::string, std::string, std::less<>>& to, const std::string& path, std::string what) {
        std::string name = dotted(path);
        budget_.spend(128 + name.size() + what.size(), printable(name));
        to.try_emplace(std::move(name), std::move(what));
    }

    void add_tensor(const torch_view& view, const std::string& name) {
        const torch_storage& storage = value_.storages[view.storage];
        const std::uint64_t size = bytes_of(storage.type);
        const std::int64_t count = element_count(view.shape);
        if (count < 0 || static_cast<std::uint64_t>(count) > std::numeric_limits<std::uint64_t>::max() / size)
            fail_tensor(name, "its shape ", text_of_shape(view.shape), " is too large");
        const auto bytes = storage_bytes_(storage);
        check_range(view, bytes.size() / size, name);

        budget_.spend(256 + name.size() + static_cast<std::uint64_t>(count) * size, printable(name));
        stored_tensor tensor{name, storage.type, view.shape, {}};
        tensor.bytes.resize(static_cast<std::size_t>(count) * size);
        if (count > 0 && is_contiguous(view))
            std::memcpy(tensor.bytes.data(), bytes.data() + view.offset * size, tensor.bytes.size());
        else
            copy_view(view, size, bytes, tensor.bytes);
        file_.add(std::move(tensor));
    }

    // Throws unless the last element of `view` lies within the `elements` of the storage.
    void check_range(const torch_view& view, std::uint64_t elements, const std::string& name) const {
        if (element_count(view.shape) == 0) return;
        std::uint64_t left = elements;
        const auto reach = [&](std::uint64_t steps, std::uint64_t stride) {
            if (steps > 0 && stride > 0 && (stride > left || steps > left / stride)) return false;
            left -= steps * stride;
            return true;
        };
        bool inside = reach(1, view.offset);
        for (std::size_t axis = 0; axis < view.shape.size(); ++axis)
            inside = inside && reach(static_cast<std::uint64_t>(view.shape[axis] - 1),
                                     static_cast<std::uint64_t>(view.strides[axis]));
        if (!inside || left == 0)
            fail_tensor(name, "shape ", text_of_shape(view.shape), " at element ", view.offset, " reaches beyond the ",
                        elements, " elements of its storage");
    }

    template <class... Parts> [[noreturn]] void fail_tensor(const std::string& name, const Parts&... parts) const {
        fail(file_.source, ": tensor ", printable(name), ": ", parts...);
    }

    const pickle_value& value_;
    size_budget& budget_;
    const torch_storage_bytes& storage_bytes_;
    tensor_file file_;
    std::size_t visits_ = 0;
};

inline tensor_file flatten_torch(const pickle_value& value, const std::string& source, size_budget& budget,
                                 const torch_storage_bytes& storage_bytes) {
    return torch_flattener(value, source, budget, storage_bytes).flatten();
}

} // namespace fovea::detail
