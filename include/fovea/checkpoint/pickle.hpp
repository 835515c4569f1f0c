// A restricted unpickler: reads what torch.save writes (pickle protocols 2 to 5, PEP 307, PEP 574) and executes
// nothing. A global name outside torch_globals is an error that names it, as is any opcode that torch.save has no use
// for. Memory stays within a small multiple of the pickle's size and two million values; work is linear in its bytes.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fovea/checkpoint/byte_reader.hpp"
#include "fovea/checkpoint/pickle_value.hpp"
#include "fovea/core/error.hpp"

namespace fovea::detail {

class unpickler {
  public:
    // `pickle` outlives the result, which refers to its texts; `source` names it in errors.
    static pickle_value read(std::span<const std::byte> pickle, std::string source) {
        unpickler machine(pickle, std::move(source));
        while (machine.step()) {
        }
        return std::move(machine.result_);
    }

  private:
    static constexpr std::size_t most_values = 2'000'000, most_tensors = 200'000, most_axes = 16, most_marks = 1000;

    unpickler(std::span<const std::byte> pickle, std::string source) : in_(pickle, std::move(source)) {}

    template <class... Parts> [[noreturn]] void fail_here(const Parts&... parts) const {
        fail(in_.source(), ": pickle, near byte ", in_.position(), ": ", parts...);
    }

    // One opcode; false after the last.
    bool step() {
        const auto opcode = in_.number<std::uint8_t>();
        switch (opcode) {
                // clang-format off
        case 0x80: in_.take(1); break; // PROTO
        case 0x95: in_.take(8); break; // FRAME
        case '.': stop(); return false;
        case '(': mark(); break;
        case '0': pop(); break;
        case '1': pop_mark(); break;
        case '2': stack_.push_back(top()); break; // DUP
        case 'N': push(pickle_kind::none); break;
        case 0x88: push_integer(1, pickle_kind::boolean); break;
        case 0x89: push_integer(0, pickle_kind::boolean); break;
        case 'J': push_integer(in_.number<std::int32_t>()); break;
        case 'K': push_integer(in_.number<std::uint8_t>()); break;
        case 'M': push_integer(in_.number<std::uint16_t>()); break;
        case 0x8A: push_long(in_.number<std::uint8_t>()); break;
        case 0x8B: push_long(in_.number<std::uint32_t>()); break;
        case 'G': push_real(); break;
        case 'X': push_text(in_.number<std::uint32_t>()); break;
        case 0x8C: push_text(in_.number<std::uint8_t>()); break;
        case 0x8D: push_text(in_.number<std::uint64_t>()); break;
        case 'T': push_text(in_.number<std::uint32_t>()); break; // Python 2's str
        case 'U': push_text(in_.number<std::uint8_t>()); break;
        case 'B': push_text(in_.number<std::uint32_t>(), pickle_kind::bytes); break;
        case 'C': push_text(in_.number<std::uint8_t>(), pickle_kind::bytes); break;
        case 0x8E: push_text(in_.number<std::uint64_t>(), pickle_kind::bytes); break;
        case ')': push(pickle_kind::tuple); break;
        case ']': push(pickle_kind::list); break;
        case '}': push(pickle_kind::dictionary); break;
        case 't': push_items(pickle_kind::tuple, pop_mark()); break;
        case 'l': push_items(pickle_kind::list, pop_mark()); break;
        case 'd': push_items(pickle_kind::dictionary, pop_mark()); break;
        case 0x85: push_items(pickle_kind::tuple, pop(1)); break;
        case 0x86: push_items(pickle_kind::tuple, pop(2)); break;
        case 0x87: push_items(pickle_kind::tuple, pop(3)); break;
        case 'a': extend(pickle_kind::list, pop(1)); break;
        case 'e': extend(pickle_kind::list, pop_mark()); break;
        case 's': extend(pickle_kind::dictionary, pop(2)); break;
        case 'u': extend(pickle_kind::dictionary, pop_mark()); break;
        case 'q': put(in_.number<std::uint8_t>()); break;
        case 'r': put(in_.number<std::uint32_t>()); break;
        case 0x94: put(static_cast<std::uint32_t>(memo_.size())); break; // MEMOIZE
        case 'h': get(in_.number<std::uint8_t>()); break;
        case 'j': get(in_.number<std::uint32_t>()); break;
        case 'c': { const auto module = in_.line(), name = in_.line(); push_global(module, name); break; }
        case 0x93: { const auto name = text(pop()), module = text(pop()); push_global(module, name); break; } // STACK_GLOBAL
        case 'Q': push_storage(pop()); break;
        case 'R':
        case 0x81: reduce(); break; // REDUCE, NEWOBJ
        case 'b': build(); break;
        default: fail_here("opcode ", int{opcode}, " is not one that torch.save writes");
                // clang-format on
        }
        return true;
    }

    // ---- values
    pickle_node& push(pickle_kind kind) {
        if (result_.nodes.size() >= most_values) fail_here("holds more than ", most_values, " values");
        stack_.push_back(static_cast<pickle_id>(result_.nodes.size()));
        result_.nodes.emplace_back().kind = kind;
        return result_.nodes.back();
    }
    void push_integer(std::int64_t value, pickle_kind kind = pickle_kind::integer) { push(kind).integer = value; }

    void push_long(std::size_t length) {
        const auto bytes = in_.take(length);
        if (length > 8) fail_here("an integer of ", length, " bytes; expected at most 8");
        std::uint64_t value = length > 0 && (bytes.back() & std::byte{0x80}) != std::byte{} ? ~std::uint64_t(0) : 0;
        for (std::size_t i = length; i-- > 0;) value = value << 8 | static_cast<std::uint64_t>(bytes[i]);
        push_integer(static_cast<std::int64_t>(value));
    }

    void push_real() { // big-endian
        std::uint64_t bits = 0;
        for (const std::byte b : in_.take(8)) bits = bits << 8 | static_cast<std::uint64_t>(b);
        push(pickle_kind::real).real = std::bit_cast<double>(bits);
    }

    void push_text(std::uint64_t length, pickle_kind kind = pickle_kind::text) {
        const auto value = text_of_bytes(in_.take(length));
        push(kind).text = value;
    }

    void push_items(pickle_kind kind, std::vector<pickle_id> items) {
        if (kind == pickle_kind::dictionary && items.size() % 2 != 0) fail_here("a dictionary with a key and no value");
        push(kind).items = std::move(items);
    }

    void push_global(std::string_view module, std::string_view name) {
        const auto found = find_torch_global(module, name);
        if (!found)
            fail_here("refers to ", printable(module), ".", printable(name),
                      ", which is not understood and never executed; expected tensors, dictionaries and plain values");
        push_integer(static_cast<std::int64_t>(*found), pickle_kind::global);
    }

    // ---- stack and memo
    pickle_id top() const {
        if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) fail_here("takes a value from an empty stack");
        return stack_.back();
    }
    pickle_id pop() {
        const pickle_id id = top();
        stack_.pop_back();
        return id;
    }
    std::vector<pickle_id> pop(std::size_t count) {
        std::vector<pickle_id> items(count);
        while (count-- > 0) items[count] = pop();
        return items;
    }
    std::vector<pickle_id> pop_mark() {
        if (marks_.empty()) fail_here("ends a list that never began");
        const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
        std::vector<pickle_id> items(begin, stack_.end());
        stack_.erase(begin, stack_.end());
        marks_.pop_back();
        return items;
    }
    void mark() {
        if (marks_.size() >= most_marks) fail_here("nests deeper than ", most_marks, " levels");
        marks_.push_back(stack_.size());
    }
    void put(std::uint32_t place) {
        if (memo_.size() >= most_values) fail_here("remembers more than ", most_values, " values");
        memo_[place] = top();
    }
    void get(std::uint32_t place) {
        const auto found = memo_.find(place);
        if (found == memo_.end()) fail_here("recalls value ", place, ", which it never kept");
        stack_.push_back(found->second);
    }

    const pickle_node& node(pickle_id id, pickle_kind kind, std::string_view what) const {
        const pickle_node& found = result_.nodes[id];
        if (found.kind != kind) fail_here("expected ", what);
        return found;
    }
    std::string_view text(pickle_id id) const { return node(id, pickle_kind::text, "a text").text; }
    std::uint64_t count(pickle_id id) const {
        const std::int64_t value = node(id, pickle_kind::integer, "an integer").integer;
        if (value < 0) fail_here("expected an integer that is not negative, not ", value);
        return static_cast<std::uint64_t>(value);
    }

    void extend(pickle_kind kind, const std::vector<pickle_id>& items) {
        const bool pairs = kind == pickle_kind::dictionary;
        node(top(), kind, pairs ? "a dictionary to add to" : "a list to add to");
        if (pairs && items.size() % 2 != 0) fail_here("a dictionary with a key and no value");
        auto& all = result_.nodes[top()].items;
        all.insert(all.end(), items.begin(), items.end());
    }

    // ---- PyTorch's objects
    // ("storage", type, key, device, count) of either format; the older one may add a view, which must be none.
    void push_storage(pickle_id id) {
        const auto& items = node(id, pickle_kind::tuple, "a storage's description").items;
        if (items.size() < 5 || text(items[0]) != "storage") fail_here("expected a storage's description");
        if (items.size() > 5) node(items[5], pickle_kind::none, "a storage without a view of another");
        const auto& type = torch_globals[global(items[1])];
        if (type.meaning != torch_global::storage) fail_here("expected a storage's type");
        result_.storages.push_back({text(items[2]), type.type, count(items[4])});
        push_integer(static_cast<std::int64_t>(result_.storages.size() - 1), pickle_kind::storage);
    }

    std::size_t global(pickle_id id) const {
        return static_cast<std::size_t>(node(id, pickle_kind::global, "a global name").integer);
    }

    // A call of a global name: function and arguments are on the stack.
    void reduce() {
        const auto& given = node(pop(), pickle_kind::tuple, "a tuple of arguments").items;
        if (given.size() > most_axes) fail_here("a call with ", given.size(), " arguments");
        const auto arguments = given; // what is pushed moves the nodes
        switch (torch_globals[global(pop())].meaning) {
            case torch_global::rebuild_tensor:
                push_tensor(arguments, 4);
                break;
            case torch_global::rebuild_tensor_v2:
                push_tensor(arguments, 6);
                break;
            case torch_global::rebuild_parameter:
                if (arguments.empty()) fail_here("a parameter without a tensor");
                node(arguments[0], pickle_kind::tensor, "a parameter's tensor");
                stack_.push_back(arguments[0]);
                break;
            case torch_global::ordered_dict:
                push_ordered_dict(arguments);
                break;
            case torch_global::size:
                if (arguments.size() != 1) fail_here("torch.Size without its tuple");
                node(arguments[0], pickle_kind::tuple, "a tuple of extents");
                stack_.push_back(arguments[0]);
                break;
            case torch_global::storage:
                fail_here("builds a storage in place; expected a reference to one");
        }
    }

    // (storage, offset, shape, strides, requires_grad, hooks, ...)
    void push_tensor(const std::vector<pickle_id>& arguments, std::size_t fewest) {
        if (result_.tensors.size() >= most_tensors) fail_here("holds more than ", most_tensors, " tensors");
        if (arguments.size() < fewest) fail_here("a tensor of ", arguments.size(), " parts; expected ", fewest);
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

    // Empty, its items following; or, as Python 2 wrote it, from a list of pairs.
    void push_ordered_dict(const std::vector<pickle_id>& arguments) {
        std::vector<pickle_id> items;
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

    // Attributes of a state dictionary (its `_metadata`): they hold no weights.
    void build() {
        pop();
        node(top(), pickle_kind::dictionary, "a dictionary to give attributes to");
    }

    void stop() {
        result_.root = pop();
        result_.length = in_.position();
    }

    byte_reader in_;
    pickle_value result_;
    std::vector<pickle_id> stack_;
    std::vector<std::size_t> marks_; // sizes of the stack
    std::size_t pairs_copied_ = 0;
    std::unordered_map<std::uint32_t, pickle_id> memo_;
};

} // namespace fovea::detail
