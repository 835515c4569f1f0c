// The objects in a pickle of PyTorch: global names, calls of them, storages and tensors. Anything unknown becomes a
// foreign value, which is an error only if a plain tensor needs it. Nothing is executed.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "fovea/io/weights/pickle_stack.hpp"

namespace fovea::detail {

class pickle_objects : protected pickle_stack {
  protected:
    using pickle_stack::pickle_stack;

    void push_global(std::string_view module, std::string_view name) {
        if (const auto found = find_torch_global(module, name))
            push_integer(static_cast<std::int64_t>(*found), pickle_kind::global);
        else
            push_foreign(module, name, false);
    }

    // A storage is the tuple ("storage", type, key, device, count) in both formats; the older one may append a view,
    // which must be None. Older files of whole networks have ("module", class, file, code). Other tuples become foreign
    // values.
    void push_persistent(pickle_id id) {
        if (!is(id, pickle_kind::tuple)) return push_foreign("", "persistent id");
        const auto& items = result_.nodes[id].items;
        const auto has_mark = [&](std::string_view mark) {
            return !items.empty() && is(items[0], pickle_kind::text) && result_.nodes[items[0]].text == mark;
        };
        if (has_mark("module") && items.size() > 1) return push_again(items[1]);
        if (!has_mark("storage")) return push_foreign("", "persistent id");
        if (items.size() < 5) fail_here("expected a storage's description");
        if (items.size() > 5) node(items[5], pickle_kind::none, "a storage without a view of another");
        if (is(items[1], pickle_kind::foreign)) return push_foreign(result_.nodes[items[1]].integer, true);
        const auto& type = torch_globals[global(items[1])];
        if (type.meaning != torch_global::storage) fail_here("expected a storage's type");
        result_.storages.push_back({text(items[2]), type.type, count(items[4])});
        push_integer(static_cast<std::int64_t>(result_.storages.size() - 1), pickle_kind::storage);
    }

    // REDUCE, NEWOBJ: calls the value below its arguments on the stack.
    void reduce() {
        const pickle_id arguments = pop(), function = pop();
        call(function, node(arguments, pickle_kind::tuple, "a tuple of arguments").items);
    }
    // NEWOBJ_EX: a call with named arguments, which only foreign classes have.
    void reduce_named() { pop(), reduce(); }

    void call(pickle_id function, const std::vector<pickle_id>& given) {
        if (is(function, pickle_kind::foreign)) return call_foreign(result_.nodes[function].integer, given);
        if (given.size() > most_axes) fail_here("a call with ", given.size(), " arguments");
        const auto arguments = given; // copied, because pushing moves the nodes
        call_global(torch_globals[global(function)], arguments);
    }

    // BUILD sets attributes. Those of a state dictionary (its `_metadata`) hold no weights. A foreign value with
    // parameters among its attributes is a whole network.
    void build() {
        const pickle_id state = pop();
        auto& target = result_.nodes[top()];
        if (target.kind == pickle_kind::foreign)
            target.module = target.module || has_parameters(result_.nodes[state]);
        else if (target.kind != pickle_kind::tensor && target.kind != pickle_kind::list)
            node(top(), pickle_kind::dictionary, "a dictionary to give attributes to");
    }

  private:
    static constexpr std::size_t most_tensors = 200'000, most_axes = 16;

    std::size_t global(pickle_id id) const {
        return static_cast<std::size_t>(node(id, pickle_kind::global, "a global name").integer);
    }

    // The result is named after the called function; if that makes objects of classes (numpy's _reconstruct,
    // copyreg._reconstructor), after the class.
    void call_foreign(std::int64_t name, const std::vector<pickle_id>& given) {
        if (result_.foreign[static_cast<std::size_t>(name)].name.starts_with('_') && !given.empty()) {
            const pickle_node& first = result_.nodes[given[0]];
            if (first.kind == pickle_kind::foreign && !first.called) name = first.integer;
        }
        push_foreign(name, true);
    }

    void call_global(const torch_global_name& function, const std::vector<pickle_id>& arguments) {
        switch (function.meaning) {
            case torch_global::rebuild_tensor:
            case torch_global::rebuild_tensor_v2:
                push_tensor(arguments);
                break;
            case torch_global::rebuild_parameter:
                if (arguments.empty()) fail_here("a parameter without a tensor");
                if (!is(arguments[0], pickle_kind::foreign))
                    node(arguments[0], pickle_kind::tensor, "a parameter's tensor");
                push_again(arguments[0]);
                break;
            case torch_global::rebuild_from_type:
                push_from_type(arguments);
                break;
            case torch_global::dictionary:
                push_dictionary(arguments);
                break;
            case torch_global::default_dictionary: // the argument, which makes default values, is ignored
                push(pickle_kind::dictionary);
                break;
            case torch_global::size:
                if (arguments.size() != 1) fail_here("torch.Size without its tuple");
                node(arguments[0], pickle_kind::tuple, "a tuple of extents");
                push_again(arguments[0]);
                break;
            case torch_global::tensor_type:
            case torch_global::storage:
                push_foreign(function.module, function.name);
                break;
        }
    }

    // Arguments: (function, type, arguments, attributes). The result is a plain tensor with attributes, or one of a
    // subclass.
    void push_from_type(const std::vector<pickle_id>& arguments) {
        if (arguments.size() < 3) fail_here("a tensor of a type without function, type and arguments");
        const pickle_node& type = result_.nodes[arguments[1]];
        const pickle_node& made_by = result_.nodes[arguments[0]];
        if (type.kind == pickle_kind::foreign) return push_foreign(type.integer, true);
        if (made_by.kind == pickle_kind::foreign) return push_foreign(made_by.integer, true);
        const auto& function = torch_globals[global(arguments[0])];
        if (function.meaning == torch_global::rebuild_from_type) fail_here("a tensor's type within a type");
        call(arguments[0], node(arguments[2], pickle_kind::tuple, "a tuple of arguments").items);
    }

    // Arguments: (storage, offset, shape, strides, requires_grad, hooks, ...).
    void push_tensor(const std::vector<pickle_id>& arguments) {
        constexpr std::size_t fewest = 4;
        if (result_.tensors.size() >= most_tensors) fail_here("holds more than ", most_tensors, " tensors");
        if (arguments.size() < fewest) fail_here("a tensor of ", arguments.size(), " parts; expected ", fewest);
        if (const auto& storage = result_.nodes[arguments[0]]; storage.kind == pickle_kind::foreign)
            return push_foreign(storage.integer, true); // complex or quantised
        torch_view view;
        view.storage = static_cast<std::size_t>(node(arguments[0], pickle_kind::storage, "a tensor's storage").integer);
        view.offset = count(arguments[1]);
        view.shape = extents(arguments[2]);
        view.strides = extents(arguments[3]);
        if (view.shape.size() != view.strides.size())
            fail_here("a tensor of ", view.shape.size(), " axes and ", view.strides.size(), " strides");
        result_.tensors.push_back(std::move(view));
        push_integer(static_cast<std::int64_t>(result_.tensors.size() - 1), pickle_kind::tensor);
    }

    std::vector<std::int64_t> extents(pickle_id id) const {
        const auto& items = node(id, pickle_kind::tuple, "a tuple of extents").items;
        if (items.size() > most_axes) fail_here("a tensor of ", items.size(), " axes; expected at most ", most_axes);
        std::vector<std::int64_t> values;
        values.reserve(items.size());
        for (const pickle_id item : items) values.push_back(static_cast<std::int64_t>(count(item)));
        return values;
    }

    // Makes an empty dictionary, whose items follow; or, as Python 2 wrote it, one from a list of pairs.
    void push_dictionary(const std::vector<pickle_id>& arguments) {
        std::vector<pickle_id> items;
        if (!arguments.empty() && is(arguments[0], pickle_kind::foreign))
            return push_foreign("collections", "OrderedDict");
        if (!arguments.empty()) {
            const auto& pairs = node(arguments[0], pickle_kind::list, "a list of pairs").items;
            pairs_copied_ += pairs.size();
            if (pairs_copied_ > most_values) fail_here("copies more than ", most_values, " values");
            for (const pickle_id pair : pairs) {
                const auto& both = result_.nodes[pair];
                if ((both.kind != pickle_kind::list && both.kind != pickle_kind::tuple) || both.items.size() != 2)
                    fail_here("expected a pair of key and value");
                items.insert(items.end(), both.items.begin(), both.items.end());
            }
        }
        push_items(pickle_kind::dictionary, std::move(items));
    }

    // Only the first attributes are searched: parameters are among them, and many values may share one large
    // dictionary.
    bool has_parameters(const pickle_node& state) const {
        if (state.kind != pickle_kind::dictionary) return false;
        for (std::size_t i = 0; i < state.items.size() && i < 64; i += 2) {
            const pickle_node& key = result_.nodes[state.items[i]];
            if (key.kind == pickle_kind::text && key.text == "_parameters") return true;
        }
        return false;
    }

    std::size_t pairs_copied_ = 0;
};

} // namespace fovea::detail
